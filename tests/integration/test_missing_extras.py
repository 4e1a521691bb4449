"""Lockgate without one of its extras: what is missing is said, how it is had, and it is never called a bug."""

import importlib
import sys
import tempfile

import pytest

from lockgate import cli
from lockgate.commands import status

LOCAL = "service: shop\nbuild: {kind: docker}\nenvironments: {production: {}}\n"
AZURE = """
service: shop
build: {kind: docker}
azure: {tenant: 6b0d3c1e-7a52-4d0b-9a0e-3f1f0c7f8a11, subscription: 1f7e2f43-8a0c-4a55-b8c1-7c0f4c1f9d33,
        client: 2c9b7a10-0d7e-4f63-9d4e-5a1b2c3d4e44, resource_group: shop}
environments: {production: {target: {kind: azure-container-apps, app: shop}}}
"""
DATABASE = "postgresql://lockgate@localhost:1/lockgate"


@pytest.fixture
def command(tmp_path, monkeypatch, capsys):
    """Run a command where some modules cannot be imported; give its exit code and what it said."""
    monkeypatch.chdir(tmp_path)
    for name, value in {"GH_TOKEN": "ghp_none", "GITHUB_REPOSITORY": "octo-org/shop", "PG": DATABASE}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("GITHUB_API_URL", "http://127.0.0.1:1")

    def run(*words, config=LOCAL, missing):
        (tmp_path / "lockgate.yml").write_text(config)
        with monkeypatch.context() as patch:
            # What another test of this process has loaded already would not miss what it is made of.
            for loaded in [name for name in sys.modules if name.partition(".")[0] == "github"]:
                patch.delitem(sys.modules, loaded)
            for module in missing:
                patch.setitem(sys.modules, module, None)
            code = cli.main(list(words))
        told = capsys.readouterr()
        return code, " ".join((told.out + told.err).split())

    return run


@pytest.mark.parametrize(
    ("words", "config", "missing", "code", "extra"),
    [
        (["status"], LOCAL + "ledger: github\n", ["github", "requests"], 74, "github"),
        (["status"], LOCAL + "ledger: {kind: postgres, secret: {env: PG}}\n", ["psycopg"], 74, "postgres"),
        (["status"], AZURE, ["azure.identity"], 90, "azure"),
        (["board", "--no-open"], LOCAL, ["uvicorn"], 78, "board"),
        (["doctor"], LOCAL.replace("{}", "{approval: required}"), ["github", "requests"], 88, "github"),
        (["doctor"], LOCAL.replace("{}", "{approval: required}"), ["requests"], 88, "github"),
    ],
)
def test_a_command_that_misses_an_extra_says_how_it_is_had(command, words, config, missing, code, extra):
    """With the exit code of what it could not do, and the same words for each."""
    ended, said = command(*words, config=config, missing=missing)
    assert ended == code
    assert f"Run `make setup` in Lockgate's checkout: it installs the extra `{extra}`" in said
    assert "a bug in Lockgate" not in said


def test_what_the_board_shares_and_stores_is_an_extra_too(command, monkeypatch):
    """Its Redis is named by its variable; its pool of connections is missed before anything listens."""
    monkeypatch.setenv("LOCKGATE_BOARD_REDIS_URL", "redis://localhost:1/0")
    code, said = command("board", "--no-open", "--port", "0", missing=["redis"])
    assert (code, "LOCKGATE_BOARD_REDIS_URL needs redis" in said, "extra `redis`" in said) == (78, True, True)
    monkeypatch.delenv("LOCKGATE_BOARD_REDIS_URL")
    monkeypatch.setenv("LOCKGATE_BOARD_DATABASE_URL", DATABASE)
    code, said = command("board", "--no-open", "--port", "0", missing=["psycopg_pool"])
    assert code == 78
    assert "lockgate board needs psycopg_pool, which is not installed. fix: Run `make setup`" in said


def test_a_module_that_is_missed_where_nobody_looked_is_no_bug_either(command, monkeypatch, tmp_path):
    """It is told by its extra; one that no extra has is what Lockgate always comes with, and a bug."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    for module, ends in (("opentelemetry.sdk", 78), ("yaml.nobody", 99)):
        monkeypatch.setattr(status, "run", lambda *_, module=module: importlib.import_module(module))
        code, said = command("status", missing=[module])
        assert (code, "a bug in Lockgate" in said) == (ends, ends == 99)
        assert ends == 99 or "lockgate status needs opentelemetry.sdk" in said

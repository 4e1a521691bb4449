"""A PostgreSQL for the whole run, a database for each test, and one ledger of each kind."""

import os
import signal
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from lockgate import cli
from tests.integration.ledger import kinds
from tests.postgres import shared
from tests.standins.postgrest import PostgREST


@contextmanager
def signals_kept():
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.fixture(scope="session")
def databases(tmp_path_factory, worker_id):
    """The server of this run, with what makes databases on it."""
    base = tmp_path_factory.getbasetemp()
    made = shared(base if worker_id == "master" else base.parent)
    yield made
    made.close()


@pytest.fixture(scope="session")
def name_of_the_database(databases):
    """One database a worker, with the migrations applied."""
    return databases.new()


@pytest.fixture
def database(databases, name_of_the_database):
    """An empty database with the migrations applied."""
    databases.empty(name_of_the_database)
    return name_of_the_database


@pytest.fixture(scope="session")
def project(databases, name_of_the_database):
    """Supabase's REST API over that database."""
    made = PostgREST(databases.server.dsn(name_of_the_database, "authenticator"))
    yield made
    made.close()


@pytest.fixture(params=["sqlite", "postgres", "supabase", pytest.param("github", marks=pytest.mark.judged)])
def kind(request, tmp_path):
    """One ledger of each kind, with the same tests for all of them."""
    if request.param == "sqlite":
        made = kinds.sqlite_kind(tmp_path / ".lockgate")
    elif request.param == "github":
        made = kinds.github_kind(request.getfixturevalue("github"), tmp_path)
    else:
        databases, name = request.getfixturevalue("databases"), request.getfixturevalue("database")
        if request.param == "postgres":
            made = kinds.postgres_kind(databases, name)
        else:
            made = kinds.supabase_kind(databases, name, request.getfixturevalue("project"))
    yield made
    made.close()


@pytest.fixture
def ledger(kind):
    return kind.ledger


@pytest.fixture
def lockgate(kind, tmp_path, monkeypatch, capsys):
    """Run a command in this process, in a project whose config names the ledger: (exit code, output, progress)."""
    for name in [name for name in os.environ if name.startswith(("GITHUB_", "LOCKGATE_", "ACT"))]:
        monkeypatch.delenv(name)
    for name, value in {"LOCKGATE_LEDGER_SECRET": kind.secret, **kind.env}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    places = {name: {"target": {"kind": "local", "port": port}} for name, port in (("production", 1), ("staging", 2))}
    build = {"kind": "bundle", "bundle": {"start": "true"}}
    config = {"service": "shop", "build": build, "environments": places, "ledger": kind.config}
    Path("lockgate.yml").write_text(yaml.safe_dump(config))

    def run(*words):
        with signals_kept():
            code = cli.main(list(words))
        return code, *capsys.readouterr()

    return run

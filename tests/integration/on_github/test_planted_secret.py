"""A secret that a test, a service and a hook tell everybody who listens is shown nowhere that Lockgate writes."""

import json
import sqlite3

import pytest

from tests.integration.rollout.shop import Shop
from tests.integration.test_notifications import Place

PLANTED = 'postgres://shop:planted-"xyz7"@db.internal/shop'
"""With quotation marks: JSON would write them in another way, and a search of the text would pass it by. And with letters
that no digest or chance number has."""
SERVICE = """
import http.server, os
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = ("cannot log in: " + os.environ["DATABASE_URL"]).encode()
        self.send_response(500, "no " + os.environ["DATABASE_URL"])
        self.send_header("X-Version", os.environ["LOCKGATE_VERSION"])
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_):
        pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""
TESTS = """
import os
from xml.sax.saxutils import quoteattr
told = os.environ["SHOP_DATABASE"]
print("connecting to", told)
case = f"<testcase name={quoteattr('test ' + told)}><failure message={quoteattr(told)}>{told}</failure></testcase>"
open("junit.xml", "w").write(f"<testsuite>{case}</testsuite>")
"""


@pytest.fixture
def leaking(tmp_path):
    """A project whose tests and whose service tell the password."""
    shop = Shop(tmp_path)
    (tmp_path / "service.py").write_text(SERVICE)
    (tmp_path / "tests.py").write_text(TESTS)
    shop.config["test"] = {"command": "python3 tests.py", "coverage": ""}
    shop.config["notify"] = [{"to": "webhook", "url_env": "HOOK", "key_env": "HOOK_KEY"}]
    shop.config["secrets"] = {"DATABASE_URL": {"env": "SHOP_DATABASE"}}
    shop.write()
    yield shop
    shop.close()


@pytest.fixture
def place():
    """Somebody outside who is told how a rollout ended."""
    made = Place()
    yield made
    made.close()


def told(value):
    """Every text in what may be JSON, or JSON in JSON."""
    if isinstance(value, dict):
        return [text for pair in value.items() for one in pair for text in told(one)]
    if isinstance(value, list | tuple):
        return [text for one in value for text in told(one)]
    if not isinstance(value, str):
        return []
    try:
        inside = json.loads(value)
    except ValueError:
        return [value]
    return [value] if isinstance(inside, str | int | float | None) else [value, *told(inside)]


def test_a_planted_secret_appears_nowhere(leaking, github, place, tmp_path_factory):
    """Not in the log, outputs, summary, result, ledger, dossier, artifact, nor in what GitHub is told; the story is all there."""
    job = tmp_path_factory.mktemp("job")
    files = {"GITHUB_OUTPUT": str(job / "output"), "GITHUB_STEP_SUMMARY": str(job / "summary")}
    env = github.env(SHOP_DATABASE=PLANTED, HOOK=place.url, HOOK_KEY="key-of-the-hook", **files)
    said = []

    def run(*words):
        code, result, log = leaking.lockgate(*words, **env)
        said.extend(told(result))
        said.extend(line for line in log.splitlines() if not line.startswith("::add-mask::"))
        return code

    assert run("test") == 21
    (leaking.root / "behaviour.json").write_text("{}")
    (leaking.root / "junit.xml").unlink()  # outside git, all that lies about is built
    assert run("build", "--output", str(job / "artifact")) == 0
    assert run("deploy", "production") not in {0, 99}
    with sqlite3.connect(leaking.state / "ledger.db") as db:
        for (data,) in db.execute("select data from events").fetchall():
            said.extend(told(data))
    said.extend(text for exchange in github.exchanges.all() for text in told(exchange["req"]))
    assert place.told
    said.extend(text for _, _, sent in place.told for text in told(sent.decode()))
    for folder in (job, leaking.state / "results", leaking.state / "dossiers"):
        for path in folder.rglob("*"):
            if path.is_file():
                said.extend(told(path.read_bytes().decode(errors="replace")))
    everything = "\n".join(said)
    for hidden in (PLANTED, "planted-", "xyz7", github.token, place.url, "key-of-the-hook"):
        assert [line for line in said if hidden in line] == []
    assert "cannot log in: ***" in everything
    assert "connecting to ***" in everything
    # What GitHub hides by itself is only what it was told to hide.
    assert f"::add-mask::{PLANTED}" in leaking.lockgate("validate", **env)[2]

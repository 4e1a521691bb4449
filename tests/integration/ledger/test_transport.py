"""What is told to whoever answers for the ledger's database on another machine: not the password."""

from types import SimpleNamespace

import psycopg
import pytest
import trustme

from lockgate.adapters.ledger.dsn import unverified
from lockgate.adapters.ledger.postgres import PostgresCall
from lockgate.commands import doctor
from lockgate.core.config import Config
from lockgate.core.config_ledger import LedgerConfig, LedgerKind
from lockgate.errors import LedgerRefusedError, LedgerUnavailableError
from tests.fixtures.stage import stage
from tests.postgres import Server, Tls

HOST = "db.example"


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory):
    """A database under another machine's name: it asks `plain` for its password in the clear, all others by SCRAM."""
    server, authority = Server(), trustme.CA()
    server.create()
    rules = "host all plain 127.0.0.1/32 password\nhost all all 127.0.0.1/32 scram-sha-256\n"
    (server.base / "data" / "pg_hba.conf").write_text(rules)
    server.start()
    with psycopg.connect(server.dsn("postgres"), autocommit=True) as owner:
        owner.execute(f"create role plain login password '{server.password}'")
        owner.execute("create function public.hello() returns text language sql as $$ select current_user::text $$")
    tls = Tls(server.port, authority.issue_cert(HOST))
    file = tmp_path_factory.mktemp("authority") / "ca.pem"
    authority.cert_pem.write_to_path(file)

    def ask(user, more=""):
        dsn = f"postgresql://{user}:{server.password}@{HOST}:{tls.port}/postgres?hostaddr=127.0.0.1{more}"
        call = PostgresCall(dsn, 10)
        try:
            return call("hello", {})
        finally:
            call.close()

    yield SimpleNamespace(ask=ask, tls=tls, password=server.password.encode(), authority=file)
    tls.close()
    server.stop()


def test_a_password_is_not_told_to_whoever_asks_for_it(elsewhere):
    """By SCRAM nobody is told it; a server that asks for it in the clear is refused, unless the string allows that."""
    assert elsewhere.ask("postgres") == "postgres"
    with pytest.raises(LedgerRefusedError, match="was not told the password") as refused:
        elsewhere.ask("plain")
    assert "require_auth=password" in refused.value.fix
    assert elsewhere.password not in elsewhere.tls.told
    assert elsewhere.ask("plain", "&require_auth=password") == "plain"
    assert elsewhere.password in elsewhere.tls.told


def test_a_certificate_is_verified_where_the_string_says_so(elsewhere, tmp_path):
    """By the authority that it names, and no other."""
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(other)
    assert elsewhere.ask("postgres", f"&sslmode=verify-full&sslrootcert={elsewhere.authority}") == "postgres"
    with pytest.raises(LedgerUnavailableError, match="certificate verify failed"):
        elsewhere.ask("postgres", f"&sslmode=verify-full&sslrootcert={other}")


@pytest.mark.parametrize(
    ("dsn", "mode"),
    [
        ("postgresql://u:hush@db.example:1/x?hostaddr=127.0.0.1", "require"),
        ("postgresql://u:hush@db.example:1/x?hostaddr=127.0.0.1&sslmode=verify-ca", "verify-ca"),
        ("postgresql://u:hush@db.example:1/x?hostaddr=127.0.0.1&sslmode=verify-full", ""),
        ("postgresql://u:hush@127.0.0.1:1/x", ""),
        ("postgresql:///x", ""),
    ],
)
def test_doctor_says_where_anybody_may_answer(tmp_path, dsn, mode):
    """And what to write instead, whether or not it can be read; neither holds the password."""
    config = Config("shop", ledger=LedgerConfig(LedgerKind.POSTGRES, secret="LEDGER"))
    checks = list(doctor._ledger(stage(tmp_path, config, {"LEDGER": dsn}).project))
    assert unverified(dsn) == mode
    assert checks[0].ok is None
    assert [(one.ok, mode in one.text, one.fix) for one in checks[1:]] == (
        [(None, True, doctor.VERIFY)] if mode else []
    )
    assert "hush" not in str(checks)

"""The tables and functions, attacked from outside: what docs/ledger.md says that everybody may is what they can."""

import re
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from lockgate.adapters.ledger.called import CalledLedger
from lockgate.adapters.ledger.postgres import PostgresCall
from lockgate.core.markdown import table
from lockgate.core.reasons import Outcome
from lockgate.errors import LedgerRefusedError
from tests.integration.ledger import attacks, kinds
from tests.integration.ledger.lives import stands
from tests.integration.ledger.test_every_ledger import PLACE, record
from tests.standins.postgrest import PostgREST

DOCS = Path(__file__).parents[3] / "docs" / "ledger.md"
COLUMNS = (
    "who",
    "events, deployments, leases",
    "chain, anchors",
    "any write to any table",
    "functions that read",
    "functions that write",
)


@pytest.fixture(scope="module")
def supabase(databases):
    """A project whose database gave every role every right in advance, with two services in the ledger."""
    name = databases.new_in_supabase()
    project = PostgREST(databases.server.dsn(name, "authenticator"))
    kind = kinds.supabase_kind(databases, name, project)
    record(kind, kind.ledger.acquire(*PLACE, "ada", 600), "r1", "a", Outcome.DEPLOYED, stands("a"))
    other = kind.ledger.acquire("till", "production", "bob", 600)
    record(kind, other, "r2", "b", Outcome.DEPLOYED, stands("b"), service="till")
    kind.execute("insert into public.deployment_anchors (position, hash, removed) values (0, repeat('0', 64), 0)")
    kind.execute(
        "insert into public.deployment_watches select service, 'production', 'r', 'bake', now(), '{}' "
        "from unnest(array['shop', 'till']) as service"
    )
    yield project, databases, name
    project.close()


def only(said):
    """Give the one thing that was said of all of them."""
    assert len(said) == 1, said
    return said.pop()


def row(project, who, key, person):
    """Try everything as one visitor; give a line of the table."""
    visitor = attacks.Visitor(project, key, person)
    try:
        known = only(
            {visitor.reads(name).partition(" rows of ")[2] or visitor.reads(name) for name in attacks.READABLE}
        )
        inner = only({visitor.reads(name) for name in attacks.INTERNAL})
        written = only({said for name in attacks.READABLE + attacks.INTERNAL for said in visitor.writes(name)})
        asked = only({visitor.calls(*one) for one in attacks.ASKING.items()})
        wrote = only({visitor.calls(*one) for one in attacks.WRITING.items()})
        inside = only({visitor.calls(*one) for one in attacks.INSIDE.items()})
        assert inside in {"refused (401)", "refused (403)", attacks.DOOR}
        token = only({visitor.calls(*one) for one in attacks.TOKEN.items()})
        assert (token == "may") == ("`authenticated`" in who), token
    finally:
        visitor.close()
    return [who, known, inner, written, asked, wrote]


def test_everybody_can_what_the_documentation_says_and_nothing_more(supabase):
    """Every visitor, every table, every function, reading and writing; the table in docs/ledger.md is what came of it."""
    project, _, _ = supabase
    lines = [row(project, who, *given) for who, given in attacks.visitors(project.keys).items()]
    assert {line[3] for line in lines} == {attacks.DOOR, "refused (401)", "refused (403)"}, "no write but by a function"
    may_write = [line[0] for line in lines if line[5] == "may"]
    assert may_write == ["`service_role`, by its token", "`service_role`, by an `sb_secret_` key"]
    shown = table(COLUMNS, lines)
    assert shown in DOCS.read_text(encoding="utf-8"), f"docs/ledger.md does not have this table:\n\n{shown}"


@pytest.mark.parametrize("role", ["anon", "authenticated", "service_role", "deployer"])
def test_a_connection_of_ones_own_gives_no_more(supabase, role):
    """Whoever gets past REST, as one of its roles or as the user that deploys, can touch no row, no rule and no file."""
    _, databases, name = supabase
    user = "deployer" if role == "deployer" else "authenticator"
    before = snapshot(databases, name)
    with psycopg.connect(databases.server.dsn(name, user), autocommit=True) as db:
        if user == "authenticator":
            db.execute(sql.SQL("set role {}").format(sql.Identifier(role)))
        answers = {statement: attempt(db, statement) for statement in attacks.STATEMENTS}
    # A grant of what one does not have is a warning in PostgreSQL; that it gave nothing is seen below.
    assert {statement for statement, said in answers.items() if said != "42501"} <= {attacks.GRANT}
    assert snapshot(databases, name) == before


def attempt(db, statement):
    """Give the SQLSTATE that a statement is refused with."""
    try:
        db.execute(statement)
    except psycopg.Error as error:
        return error.sqlstate
    return "done"


def test_the_documented_reader_reads_everything_and_writes_nothing(databases):
    """What a repository's secret may open: the page before an approval and the choice of a rollback, and no lease."""
    name = databases.new()
    kind = kinds.postgres_kind(databases, name)
    record(kind, kind.ledger.acquire(*PLACE, "ada", 600), "r1", "a", Outcome.DEPLOYED, stands("a"))
    text = DOCS.read_text(encoding="utf-8")
    (shown,) = re.findall(r"^```sql\n(create role lockgate_reader .*?)^```", text, re.MULTILINE | re.DOTALL)
    user = f"reader_{name}"  # roles are the server's
    with databases.owner(name) as db:
        db.execute(shown.replace("lockgate_reader", user).replace("...", databases.server.password))
    call = PostgresCall(databases.server.dsn(name, user), 5)
    try:
        assert CalledLedger(call).standing(*PLACE) == kind.ledger.standing(*PLACE)
        assert [one.id for one in CalledLedger(call).deployments(service="shop", limit=5)] == ["r1"]
        for function, given in attacks.ASKING.items():
            call(f"lockgate_{function}", given)
        for function, given in attacks.WRITING.items():
            with pytest.raises(LedgerRefusedError, match="permission denied"):
                call(f"lockgate_{function}", given)
        assert kind.ledger.holder(*PLACE).holder == "ada"
    finally:
        call.close()
        with databases.owner(name) as db:
            db.execute(sql.SQL("drop owned by {}").format(sql.Identifier(user)))
            db.execute(sql.SQL("drop role {}").format(sql.Identifier(user)))


RULES = """
select c.relname, c.relacl::text, c.relrowsecurity,
  array(select p.polname || pg_get_expr(p.polqual, p.polrelid) from pg_policy p where p.polrelid = c.oid order by 1),
  array(select t.tgname || t.tgenabled::text from pg_trigger t where t.tgrelid = c.oid order by 1)
from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' order by 1"""


def snapshot(databases, name):
    """Give every row that is no lease, and every rule about the tables."""
    names = [one for one in attacks.READABLE + attacks.INTERNAL if one != "deployment_leases"]
    queries = [RULES, *(sql.SQL("select * from {} order by 1").format(sql.Identifier(one)) for one in names)]
    with databases.owner(name) as db:
        return [db.execute(query).fetchall() for query in queries]


def test_the_owner_changes_nothing_by_mistake(supabase):
    """Also whoever may do everything has to take the guard away first; the chain tells that he did."""
    _, databases, name = supabase
    with databases.owner(name) as db:
        for statement in (
            "delete from deployment_events",
            "update deployment_events set kind = 'y'",
            "truncate deployment_events",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege, match="append-only"):
                db.execute(statement)


def test_no_function_can_be_led_astray_and_none_is_forgotten(supabase):
    """Each has its search_path fixed and each is in the table above; who is not meant to call it has no right to."""
    _, databases, name = supabase
    with databases.owner(name) as db:
        found = db.execute(
            "select proname, proconfig, prosecdef from pg_proc p join pg_namespace n on n.oid = pronamespace "
            "where nspname = 'public' and proname like 'lockgate%'"
        ).fetchall()
        tables = db.execute("select tablename, rowsecurity from pg_tables where schemaname = 'public'").fetchall()
    tried = {**attacks.ASKING, **attacks.WRITING, **attacks.INSIDE, **attacks.TOKEN}
    assert {name.removeprefix("lockgate_") for name, *_ in found} == set(tried)
    assert all('search_path=""' in config for _, config, _ in found)
    assert dict(tables) == dict.fromkeys(attacks.READABLE + attacks.INTERNAL, True)

"""A PostgreSQL for the whole run, a database for each test, and one ledger of each kind."""

import pytest

from tests.integration.ledger import kinds
from tests.postgres import shared


@pytest.fixture(scope="session")
def databases(tmp_path_factory, worker_id):
    """The server of this run, with what makes databases on it."""
    base = tmp_path_factory.getbasetemp()
    return shared(base if worker_id == "master" else base.parent)


@pytest.fixture
def database(databases):
    """A database of this test's own, with the migrations applied."""
    name = databases.new()
    yield name
    databases.drop(name)


@pytest.fixture(params=["sqlite", "postgres", "supabase", "supabase-jwt"])
def kind(request, tmp_path):
    """One ledger of each kind, with the same tests for all of them."""
    if request.param == "sqlite":
        made = kinds.sqlite_kind(tmp_path)
    else:
        databases, name = request.getfixturevalue("databases"), request.getfixturevalue("database")
        if request.param == "postgres":
            made = kinds.postgres_kind(databases, name)
        else:
            made = kinds.supabase_kind(databases, name, old_key=request.param == "supabase-jwt")
    yield made
    made.close()


@pytest.fixture
def ledger(kind):
    return kind.ledger

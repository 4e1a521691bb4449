"""The database's migrations, as Supabase's own tool reads them."""

import re
from datetime import datetime
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "supabase" / "migrations"
NAMES = sorted(path.name for path in FOLDER.iterdir())


def test_migrations_are_named_by_supabases_conventions():
    """A time to the second, then words; each time once, so that their order is the one they were written in."""
    found = [re.fullmatch(r"(\d{14})_[a-z][a-z0-9_]*\.sql", name) for name in NAMES]
    assert all(found), NAMES
    times = [datetime.strptime(one[1], "%Y%m%d%H%M%S") for one in found]  # noqa: DTZ007 - a name, no moment
    assert times == sorted(set(times))


def test_a_migration_needs_nothing_but_a_transaction():
    """No command that cannot be undone with the rest, and none of psql's own."""
    for name in NAMES:
        text = (FOLDER / name).read_text(encoding="utf-8")
        assert not re.search(r"(?im)^\s*((begin|commit|rollback|vacuum)( (transaction|work))?;|\\)", text), name
        assert "concurrently" not in text.lower(), name

"""The commands that ask the ledger, each against a ledger of each kind."""

import csv
import json
import random
from pathlib import Path

from tests.integration.ledger import lives


def test_metrics_come_as_a_table_as_json_and_as_csv(kind, lockgate):
    """For one environment or for all, of this service or of every one; the numbers are the same in each form."""
    kind.ledger.replay(lives.recent(random.Random(3), 60))
    code, table, _ = lockgate("metrics", "--since", "52w", "--by", "month")
    assert code == 0
    assert "lead time" in table
    assert "a column for each month" in table
    assert "till" not in table
    code, told, _ = lockgate("metrics", "production", "--since", "52w", "--json", "--csv", "all.csv", "--all-services")
    assert code == 0
    rows = json.loads(told)["data"]["metrics"]
    assert {(row["service"], row["environment"]) for row in rows} == {("shop", "production"), ("till", "production")}
    assert sum(row["deployed"] for row in rows if row["period"]) == sum(r["deployed"] for r in rows if not r["period"])
    with Path("all.csv").open() as file:
        read = list(csv.DictReader(file))
    assert [{name: str("" if value is None else value) for name, value in row.items()} for row in rows] == read
    assert (
        lockgate("metrics", "production", "--since", "52w", "--csv", "-", "--all-services")[1]
        == Path("all.csv").read_text()
    )


def test_metrics_that_cannot_be_asked_are_refused(lockgate):
    """A time that is none, a file that cannot be written, two things on one output; each says what was wrong."""
    for words, said in [
        (("--since", "soon"), "expected a day"),
        (("--csv", "no/such/folder"), "cannot be written"),
        (("--csv", "-", "--json"), "standard output"),
        (("elsewhere",), 'no environment "elsewhere"'),
    ]:
        code, _, err = lockgate("metrics", *words)
        assert code in {2, 13}
        assert said in err

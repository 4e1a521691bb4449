"""The dossier ends in the ledger."""

import json
import sqlite3


def test_the_ledger_has_the_dossier_with_the_rollouts_beginning(shop):
    """From test and build to `rollout.started`, by the commands as a person runs them."""
    shop.state.mkdir()
    assert shop.lockgate("test")[0] == 0
    image = shop.build("1.0")
    code, _, progress = shop.lockgate("deploy", "production")
    assert code == 0, progress
    rows = sqlite3.connect(shop.state / "ledger.db").execute("select data from events where kind = 'rollout.started'")
    recorded = json.loads(rows.fetchone()[0])["dossier"]
    assert recorded["release"]["artifact"] == image
    assert recorded["evidence"]["test"]["decision"] == "passed"
    assert recorded["build"]["builder"] == "bundle"
    assert recorded["provenance"] is None

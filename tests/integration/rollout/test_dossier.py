"""The dossier ends in the ledger."""

import json
import sqlite3
import subprocess


def test_the_ledger_has_the_dossier_with_the_rollouts_beginning(shop):
    """From test and build to `rollout.started`, by the commands as a person runs them."""
    shop.state.mkdir()
    who = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com"]
    (shop.root / "behaviour.json").touch()
    for words in (["init", "-q"], ["add", "service.py", "behaviour.json"], [*who, "commit", "-q", "-m", "first"]):
        subprocess.run(["git", "-C", shop.root, *words], check=True)
    assert shop.lockgate("test")[0] == 0
    image = shop.build("1.0")
    code, _, progress = shop.lockgate("deploy", "production")
    assert code == 0, progress
    rows = sqlite3.connect(shop.state / "ledger.db").execute("select data from events where kind = 'rollout.started'")
    begun = json.loads(rows.fetchone()[0])
    assert set(begun["change"]) == {"committed_at", "merged_at"}, "what lead times are measured from"
    recorded = begun["dossier"]
    assert recorded["release"]["artifact"] == image
    assert recorded["evidence"]["test"]["decision"] == "passed"
    assert recorded["build"]["builder"] == "bundle"
    assert recorded["provenance"] is None

"""The dossier ends in the ledger."""

import json
import sqlite3
import subprocess


def test_the_ledger_has_the_dossier_with_the_rollouts_beginning(shop):
    """From test and build to `rollout.started`, by the commands as a person runs them."""
    shop.state.mkdir()
    who = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com"]
    (shop.root / "behaviour.json").touch()
    for words in (
        ["init", "-q"],
        ["add", "served.py", "service.py", "behaviour.json"],
        [*who, "commit", "-q", "-m", "first"],
    ):
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
    # The next build says what it weighs beside that one, and so does the page for whoever approves.
    (shop.root / "catalog.bin").write_bytes(b"x" * 5_000_000)
    subprocess.run(["git", "-C", shop.root, "add", "catalog.bin"], check=True)
    (shop.root / "behaviour.json").write_text("{}")
    summary = shop.root.parent / f"{shop.root.name}.md"
    assert shop.lockgate("build", GITHUB_STEP_SUMMARY=str(summary))[0] == 0
    assert shop.lockgate("brief", "production", GITHUB_STEP_SUMMARY=str(summary))[0] == 0
    assert summary.read_text().count("| beside what runs |") == 2
    assert summary.read_text().count("| `catalog.bin` | 5.0 MB | new among the largest |") == 2
    assert summary.read_text().count("| in all | 5.0 MB | +5.0 MB |") == 2

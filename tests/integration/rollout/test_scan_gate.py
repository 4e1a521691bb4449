"""What a deploy does with the scan of its digest: only what a release adds to what runs there stops it."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from tests.fixtures.trivy_db import database

BOTH = {database.H11, database.WERKZEUG}


@pytest.fixture
def scanned(shop, tmp_path_factory):
    """A shop whose deploys need a scan by a database in which nothing is disclosed yet but Werkzeug's."""
    shop.folder = tmp_path_factory.mktemp("db")
    disclose(shop, without={database.H11})
    shop.config["scan"] = {
        "artifact": "required",
        "database": str(shop.folder / "db"),
        "secrets": False,
        "misconfiguration": False,
    }
    shop.write()
    return shop


def disclose(shop, without=frozenset(), age_days=0):
    database.write(shop.folder / "db", datetime.now(UTC) - timedelta(days=age_days), frozenset(without))


def ship(shop, version, *words, **packages):
    """Build a version with these packages in it, scan it by its digest, and deploy it."""
    for name in ("h11", "werkzeug"):
        folder = shop.root / "vendor" / f"{name}.dist-info"
        if name in packages:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {packages[name]}\n\n")
        elif (folder / "METADATA").exists():
            (folder / "METADATA").unlink()
    image = shop.build(version)
    code, result, _ = shop.lockgate("scan", "--image", image)
    assert result["image"] == image
    return (code, result), shop.lockgate("deploy", "production", *words)


def ids(result, group):
    return [finding["id"] for finding in result["data"][group]["findings"]]


def test_a_release_is_judged_by_what_it_adds(scanned):
    """An old finding stops nobody, a disclosed one neither where the package stays; a new one does; all with its age."""
    shop = scanned
    shop.build("0.9")
    code, result, progress = shop.lockgate("deploy", "production")
    assert (code, result["reason_code"]) == (37, "scan_missing")
    assert "lockgate scan --image bundle:shop@sha256:" in progress
    # What it brings is refused while nothing runs.
    (code, _), (refused, result, progress) = ship(shop, "1.0", werkzeug="3.0.1")
    assert (code, refused, result["reason_code"]) == (30, 30, "findings")
    assert "CVE-2024-34069" in progress
    assert shop.journal() == []
    assert ship(shop, "1.1", h11="0.14.0")[1][0] == 0
    # A vulnerability in what runs is disclosed: the next release has it too, and does not add it.
    disclose(shop)
    (code, result), (shipped, _, progress) = ship(shop, "1.2", h11="0.14.0")
    assert (code, shipped) == (0, 0), progress
    assert (ids(result, "blocking"), ids(result, "inherited")) == ([], [database.H11])
    assert "Already running in production" in progress
    # Whoever approves sees the same before.
    summary = shop.root / "summary.md"
    assert shop.lockgate("brief", "production", GITHUB_STEP_SUMMARY=str(summary))[0] == 0
    page = summary.read_text().partition("### Known vulnerabilities")[2]
    assert "Already running in production:\n\n| what | where | severity | fix | since |" in page
    assert database.H11 in page
    # It keeps the day it was first seen; the fix is shown as one.
    (code, result), (shipped, _, _) = ship(shop, "1.3", h11="0.16.0")
    assert (code, shipped, ids(result, "fixed")) == (0, 0, [database.H11])
    # Bringing it back, or another one, is new.
    (code, result), (refused, _, _) = ship(shop, "1.4", h11="0.14.0", werkzeug="3.0.1")
    assert (code, refused, set(ids(result, "blocking"))) == (30, 30, BOTH)
    assert shop.serving() == "1.3"


def test_the_absolute_limit_holds_for_what_is_inherited_too(scanned):
    """Where the config sets one, more than that many in all block, new or not."""
    shop = scanned
    assert ship(shop, "1.0", h11="0.14.0")[1][0] == 0
    disclose(shop)
    shop.config["scan"]["limit"] = {"CRITICAL": 0}
    shop.write()
    (code, _), (refused, _, progress) = ship(shop, "1.1", h11="0.14.0")
    assert (code, refused) == (30, 30)
    assert "scan.limit" in progress


def test_a_scan_of_another_digest_or_of_long_ago_does_not_count(scanned, tmp_path):
    """The record that is handed over is believed for the digest it names, and for a time."""
    shop = scanned
    first = shop.build("1.0")
    shop.lockgate("scan", "--image", first, "--output", str(tmp_path / "out"))
    record = json.loads((tmp_path / "out" / "scan.json").read_text())
    assert record["artifact"] == first
    (shop.state / "scans").rename(shop.state / "gone")
    shop.build("1.1")
    assert shop.lockgate("deploy", "production", "--scan", str(tmp_path / "out"))[0] == 37
    (tmp_path / "out" / "scan.json").write_text(json.dumps({**record, "at": "2026-01-01T00:00:00+00:00"}))
    code, _, progress = shop.lockgate("deploy", "production", "--image", first, "--scan", str(tmp_path / "out"))
    assert (code, "days ago" in progress) == (37, True)
    (tmp_path / "out" / "scan.json").write_text("[" * 100_000)
    assert shop.lockgate("deploy", "production", "--scan", str(tmp_path / "out"))[0] == 33
    (tmp_path / "out" / "scan.json").write_text(json.dumps(record))
    code, _, progress = shop.lockgate("deploy", "production", "--image", first, "--version", "1.0", "--scan",
                                      str(tmp_path / "out"))  # fmt: skip
    assert code == 0, progress


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"at": "2026-01-01T00:00:00+00:00"}, "days ago"),
        ({"database": ""}, "could not look for vulnerabilities"),
        ({"at": "yesterday"}, "does not say when"),
        ({"left_out": 9}, "could not be carried"),
    ],
    ids=["stale", "without a database", "without a time", "cut"],
)
def test_a_scan_that_says_too_little_still_says_what_it_found(scanned, changed, told):
    """`when-available` forgives what could not be judged, never what is known to block."""
    shop = scanned
    shop.config["scan"]["artifact"] = "when-available"
    shop.write()
    # What nobody looked for may ship by this setting, with a warning.
    ship(shop, "1.0", h11="0.16.0")
    change(shop, changed if "left_out" not in changed else {**changed, "findings": []})
    code, _, progress = shop.lockgate("deploy", "production")
    assert (code, "was not judged" in progress, told in progress) == (0, True, True), progress
    assert "brings nothing new" not in progress
    # What was found may not.
    assert ship(shop, "1.1", werkzeug="3.0.1")[1][0] == 30
    change(shop, changed)
    code, result, progress = shop.lockgate("deploy", "production")
    assert (code, result["reason_code"]) == (30, "findings"), progress
    assert (database.WERKZEUG in progress, shop.serving()) == (True, "1.0")


def change(shop, changed):
    """Change what the last scan says."""
    path = max((shop.state / "scans").iterdir(), key=lambda one: one.stat().st_mtime_ns)
    path.write_text(json.dumps({**json.loads(path.read_text()), **changed}))


def test_rescan_reports_what_was_disclosed_since(scanned, tmp_path):
    """What runs is scanned again by its digest: a new finding fails the run once, and is an annotation."""
    shop = scanned
    assert shop.lockgate("rescan")[0] == 37
    assert ship(shop, "1.0", h11="0.14.0")[1][0] == 0
    assert shop.lockgate("rescan")[0] == 0
    disclose(shop)
    summary = tmp_path / "summary.md"
    code, result, progress = shop.lockgate("rescan", GITHUB_ACTIONS="true", GITHUB_STEP_SUMMARY=str(summary))
    assert (code, result["decision"], result["reason_code"]) == (30, "failed", "findings")
    (running,) = result["data"]["running"]
    assert (running["environments"], running["new"]["total"]) == (["production"], 1)
    assert "::error title=new in production::CVE-2025-43859 in h11 0.14.0. upgrade to 0.16.0" in progress
    assert "1 vulnerability new in production" in summary.read_text()
    assert shop.lockgate("rescan", "production")[0] == 0


def test_rescan_cannot_judge_by_an_old_database(scanned):
    """Could not judge is an error, also on a schedule."""
    assert ship(scanned, "1.0")[1][0] == 0
    disclose(scanned, age_days=30)
    assert scanned.lockgate("rescan")[0] == 36

"""Why a release failed is shown wherever a person looks: in the log, in the job's summary, as a picture."""

import xml.etree.ElementTree as ET


def test_a_failed_watch_shows_what_its_verdict_stands_on(shop):
    """How many were bad of how many, the evidence against its limit, and answers with status, latency and body."""
    shop.pause("2s")
    shop.deploy("1.0")
    summary = shop.root / "summary.md"
    shop.build("1.1", errors_after=30)
    _, result, progress = shop.finish(shop.start("deploy", "production", GITHUB_STEP_SUMMARY=str(summary)))
    assert result["decision"] == "rolled_back"
    log = progress.splitlines()
    bad = next(at for at, line in enumerate(log) if "✗ production: availability: " in line)
    assert " bad of " in log[bad + 1]
    assert "evidence " in log[bad + 1]
    assert ", limit 600" in log[bad + 1]
    examples = [line for line in log if " | availability: GET /: " in line]
    assert 1 <= len(examples) <= 3
    assert all("status 500 after" in line and "the cache is full" in line for line in examples)
    text = summary.read_text()
    assert "**The watch that stopped it: " in text
    assert " limit\n" in text
    assert "status 500 after" in text
    picture = ET.parse(shop.state / "results" / "deploy-production.svg").getroot()  # noqa: S314 - our own
    assert "failed" in picture.get("aria-label")

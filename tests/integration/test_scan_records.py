"""What runs, as the ledger has it: of a fleet, what every one of its targets has."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from lockgate.adapters.clock import SystemClock
from lockgate.adapters.sqlite_ledger import SqliteLedger
from lockgate.commands import scan_records
from lockgate.core.config import EnvironmentConfig
from lockgate.core.config_target import MemberConfig
from lockgate.core.ledger import LedgerEvent
from lockgate.core.release import Artifact, ArtifactKind, Release
from lockgate.core.rollout_model import Plan, Standing
from lockgate.core.scan_record import ScanRecord
from lockgate.core.vulnerability import Finding, Kind, Severity

FLEET = EnvironmentConfig("production", targets={"eu": MemberConfig(), "us": MemberConfig()})
OLD, BOTH, NEW = "CVE-1", "CVE-2", "CVE-3"


def release(letter):
    return Release("shop", letter, letter * 40, Artifact(ArtifactKind.BUNDLE, "shop", "sha256:" + letter * 64))


def scan(letter, *ids, **packages):
    """The record of one digest: what was found in it, and which versions of packages it has."""
    findings = [
        {
            "kind": "vulnerability",
            "id": one,
            "severity": "HIGH",
            "package": "pypi/h11",
            "version": "0.14",
            "subject": "h11 0.14",
        }
        for one in ids
    ]
    return ScanRecord.from_dict({
        "schema": 1, "artifact": str(release(letter).artifact), "at": "2026-11-01T00:00:00+00:00", "trivy": "0.76.0",
        "database": "sha256:d", "database_updated": "x", "left_out": 0, "findings": findings,
        "packages": {f"pypi/{name}": versions for name, versions in packages.items()},
    })  # fmt: skip


@pytest.fixture
def ledger(tmp_path):
    return SqliteLedger(tmp_path / "ledger.db", SystemClock())


def deploy(ledger, place, letter, record, fleet=""):
    """Write a rollout from its beginning to its end; of a fleet's member, the fleet's own event has the scan."""
    lease = ledger.acquire("shop", place, "me", 60)
    plan = replace(
        Plan(f"{letter}-{place}", place, release(letter), None, (100,), actor="ada", approval=""), fleet=fleet
    )
    opening = {"plan": plan.to_dict(), "platform": "local", "run_url": ""}
    opening |= {} if fleet or record is None else {"scan": record.to_dict()}
    stands = Standing(f"{place}-{letter}", release(letter), verified=True).to_dict()
    ending = {"outcome": "deployed", "reason_code": "ok", "message": "", "standing": stands}
    for number, (kind, data) in enumerate((("rollout.started", opening), ("rollout.finished", ending))):
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        ledger.append(LedgerEvent(plan.rollout, number, at, kind, "shop", place, data), lease)
    ledger.release(lease)


def open_fleet(ledger, identifier, record):
    lease = ledger.acquire("shop", "production", "me", 60)
    at = datetime.now(UTC).isoformat(timespec="milliseconds")
    ledger.append(
        LedgerEvent(identifier, 0, at, "fleet.started", "shop", "production", {"scan": record.to_dict()}), lease
    )
    ledger.release(lease)


def finding(name, version="0.14"):
    return Finding(Kind.VULNERABILITY, name, Severity.HIGH, "", "f", subject=f"h11 {version}", package="pypi/h11")


def test_a_fleet_of_one_release_has_what_its_scan_found(ledger):
    """The scan stands with the fleet's beginning, not with each member's."""
    open_fleet(ledger, "f1", scan("a", OLD, h11=["0.14"]))
    for target in FLEET.targets:
        deploy(ledger, f"production/{target}", "a", None, fleet="f1")
    running = scan_records.running(ledger, "shop", FLEET)
    assert [one.id for one in running.findings] == [OLD]
    assert running.has(finding(NEW))
    assert not running.has(finding(NEW, version="0.15"))


def test_only_what_every_target_has_is_inherited(ledger):
    """A finding of one target alone, or a version of a package that one alone has, would be new to the other."""
    deploy(ledger, "production/eu", "a", scan("a", OLD, BOTH, h11=["0.14"], tea=["1"]))
    deploy(ledger, "production/us", "b", scan("b", BOTH, NEW, h11=["0.16"], tea=["1", "2"]))
    running = scan_records.running(ledger, "shop", FLEET)
    assert [one.id for one in running.findings] == [BOTH]
    assert running.packages["pypi/h11"] == frozenset()
    assert running.packages["pypi/tea"] == frozenset({"1"})


def test_a_target_that_nothing_is_known_of_inherits_nothing(ledger):
    """One that was deployed without a scan makes the whole fleet unknown; one that runs nothing has no say."""
    deploy(ledger, "production/eu", "a", scan("a", OLD))
    assert [one.id for one in scan_records.running(ledger, "shop", FLEET).findings] == [OLD]
    deploy(ledger, "production/us", "b", None)
    assert scan_records.running(ledger, "shop", FLEET) is None
    assert scan_records.running(ledger, "another", FLEET) is None

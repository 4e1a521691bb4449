"""Several targets shipped as one: one version everywhere at the end, whatever happens."""

import json
import os
import signal
import socket
import sqlite3
import time

import pytest

from tests.integration.rollout.fleet import FleetShop
from tests.integration.rollout.test_cut_off import end_lease_in
from tests.standins.collector import Collector, attributes


@pytest.fixture
def fleet(tmp_path):
    shop = FleetShop(tmp_path)
    yield shop
    shop.close()


def test_waves_are_shipped_in_order_and_gone_back_from_together(fleet):
    """Two releases everywhere, then back by hand; the record has a row for the fleet and one for each target.

    Each target's rollout is a trace, and all of them are sent.
    """
    collector = Collector()
    fleet.config["telemetry"] = {"otlp": collector.url}
    fleet.write()
    assert fleet.deploy("1.0")[0] == 0
    code, result, progress = fleet.deploy("1.1")
    assert (code, result["decision"], fleet.serving_everywhere()) == (0, "deployed", fleet.everywhere("1.1")), progress
    first, _, second = progress.partition("wave 2 of 2: us, au")
    assert (first.count("shifting"), second.count("shifting")) == (1, 2)
    assert "wave 1 of 2: eu" in first
    assert "all 3 targets are healthy: the new release stays" in second
    assert {line["name"]: line["kept"] for line in result["budgets"]} == {"deploy": True}
    code, result, _ = fleet.lockgate("rollback", "production")
    assert (code, result["decision"], fleet.serving_everywhere()) == (0, "deployed", fleet.everywhere("1.0"))
    _, history, _ = fleet.lockgate("history", "production")
    rows = [(row["environment"], row["version"], row["status"]) for row in history["data"]["deployments"]]
    places = {"production", *(f"production/{name}" for name in fleet.ports)}
    assert {row[0] for row in rows} == places
    assert len(rows) == 3 * len(places)
    _, status, _ = fleet.lockgate("status", "production")
    assert {row["environment"]: row["traffic"] for row in status["data"]["environments"]} == dict.fromkeys(
        places - {"production"}, "100% 1.0"
    )
    whole = [attributes(span) for span in collector.spans if not span.parent_span_id]
    collector.close()
    told = sorted((span["lockgate.environment"], span["service.version"]) for span in whole)
    assert told == sorted((place, version) for place in places - {"production"} for version in ("1.0", "1.0", "1.1"))


def test_a_rollback_to_what_nobody_signed_for_needs_a_reason_and_every_target_records_it(fleet):
    """Refused before anything is changed; with the reason, it goes back everywhere."""
    for version in ("1.0", "1.1"):
        assert fleet.deploy(version)[0] == 0
    fleet.config["provenance"] = {"attestations": "required"}
    fleet.write()
    code, result, said = fleet.lockgate("rollback", "production")
    assert (code, result["reason_code"]) == (49, "provenance_unverifiable"), said
    assert fleet.serving_everywhere() == fleet.everywhere("1.1")
    code, result, said = fleet.lockgate("rollback", "production", "--override", "the shop is down")
    assert (code, result["decision"], fleet.serving_everywhere()) == (0, "deployed", fleet.everywhere("1.0")), said
    with sqlite3.connect(fleet.state / "ledger.db") as db:
        began = [json.loads(data) for (data,) in db.execute("select data from events where kind = 'rollout.started'")]
    plans = [one["plan"] for one in began if one["plan"]["override"]]
    assert {plan["environment"] for plan in plans} >= {f"production/{name}" for name in fleet.ports}
    assert {plan["override"] for plan in plans} == {"the shop is down"}


def test_a_failure_in_the_last_wave_rolls_back_every_wave(fleet):
    """One target of three is bad under traffic: all serve the release before, and the reason names the one."""
    fleet.deploy("1.0")
    code, result, progress = fleet.deploy("1.1", errors_after=20, bad_in=["production/au"])
    assert (code, result["decision"], result["reason_code"]) == (51, "rolled_back", "gate_error_status"), progress
    assert fleet.serving_everywhere() == fleet.everywhere("1.0")
    assert result["data"]["failed"] == "au"
    members = result["data"]["members"]
    assert (members["eu"]["outcome"], members["eu"]["reason_code"]) == ("rolled_back", "fleet_failed")
    assert (members["us"]["outcome"], members["us"]["reason_code"]) in {
        ("rolled_back", "fleet_failed"),
        ("aborted", "fleet_failed"),
    }
    assert members["au"]["analyses"][-1]["stage"] == "restored"
    code, refused, _ = fleet.lockgate("deploy", "production")
    assert (code, refused["reason_code"]) == (57, "release_refused")


def test_a_first_wave_that_does_not_come_up_leaves_the_second_alone(fleet):
    """Nobody had traffic: aborted, with the code of its cause, and the other targets were never started."""
    fleet.deploy("1.0")
    code, result, _ = fleet.deploy("1.1", mode="exit", bad_in=["production/eu"])
    assert (code, result["decision"], result["reason_code"]) == (61, "aborted", "service_exited")
    assert fleet.serving_everywhere() == fleet.everywhere("1.0")
    assert fleet.members(result) == {"eu": "aborted", "us": "not started", "au": "not started"}


def test_a_signal_goes_back_everywhere(fleet):
    """While the second wave starts a service that never listens: every target serves the release before, soon."""
    fleet.deploy("1.0")
    fleet.build("1.1", mode="silent", bad_in=["production/us", "production/au"])
    process = fleet.start("deploy", "production")
    fleet.wait_for("intended.deploy_preview", count=6, process=process)
    process.send_signal(signal.SIGINT)
    deadline = time.monotonic() + 7.5
    while (serving := fleet.serving_everywhere()) != fleet.everywhere("1.0") and time.monotonic() < deadline:
        time.sleep(0.1)
    assert serving == fleet.everywhere("1.0")
    code, result, _ = fleet.finish(process)
    assert (code, result["decision"], result["reason_code"]) == (51, "rolled_back", "interrupted")
    assert fleet.members(result) == {"eu": "rolled_back", "us": "aborted", "au": "aborted"}


@pytest.mark.parametrize(
    ("kind", "version"), [("intended.deploy_preview", "1.0"), ("fleet.committed", "1.1")], ids=["before", "after"]
)
def test_a_killed_fleet_is_recovered_to_one_version(fleet, kind, version):
    """Before the commit all go back, after it all go forward; running recovery twice changes nothing."""
    fleet.deploy("1.0")
    fleet.build("1.1")
    process = fleet.start("deploy", "production")
    fleet.wait_for(kind, count=6 if version == "1.0" else 2, process=process)
    process.kill()
    process.communicate()
    end_lease_in(fleet, 4)
    code, _, progress = fleet.lockgate("recover")
    assert code == 0, progress
    assert "has the lease until" in progress
    assert fleet.serving_everywhere() == fleet.everywhere(version)
    _, history, _ = fleet.lockgate("history", "production")
    assert "in_progress" not in {row["status"] for row in history["data"]["deployments"]}
    before = fleet.journal()
    assert fleet.lockgate("recover")[1]["message"] == "nothing to recover"
    assert fleet.journal() == before


def test_a_target_that_could_not_go_back_is_taken_up_again(fleet):
    """Its proxy is gone and its port somebody else's: broken. When the port is free, `recover` returns its traffic."""
    fleet.deploy("1.0")
    fleet.build("1.1", mode="silent", bad_in=["production/us", "production/au"])
    process = fleet.start("deploy", "production")
    fleet.wait_for("intended.deploy_preview", count=6, process=process)
    kill(fleet, "eu", "proxy.json")
    with taken(fleet.ports["eu"]):
        process.send_signal(signal.SIGINT)
        code, result, progress = fleet.finish(process)
    assert (code, result["decision"]) == (52, "broken"), progress
    assert result["data"]["members"]["eu"]["reason_code"] == "rollback_failed"
    code, result, progress = fleet.lockgate("recover", "production")
    assert code == 0, progress
    (restored,) = result["data"]["recovered"]
    assert (restored["environment"], restored["decision"]) == ("production/eu", "rolled_back")
    assert (fleet.state / "results" / "recover-production@eu.svg").exists()
    assert fleet.serving_everywhere() == fleet.everywhere("1.0")
    assert fleet.lockgate("recover")[1]["message"] == "nothing to recover"


def test_after_a_part_failed_the_next_part_holds_still(fleet):
    """Its record has a name of its own, `production/us+1`, and it is the same environment that failed."""
    fleet.config["environments"]["production"]["hold_after_rollback"] = "1h"
    fleet.write()
    fleet.deploy("1.0")
    words = ("--targets", "us,au")
    assert fleet.deploy("1.1", *words, errors_behind_proxy=True, bad_in=["production/au"])[0] == 51
    code, result, _ = fleet.deploy("1.2", "--targets", "eu")
    assert (code, result["reason_code"]) == (68, "held_after_rollback")
    assert fleet.serving_everywhere() == fleet.everywhere("1.0")
    code, result, _ = fleet.lockgate("deploy", "production", *words, "--override", "fixes it")
    assert (code, result["decision"]) == (0, "deployed")
    assert fleet.lockgate("deploy", "production", "--targets", "eu")[0] == 0


def test_what_a_deploy_had_to_undo_first_holds_it_back(fleet):
    """It looks again when it has recovered: what was cut off was rolled back, and people should look."""
    fleet.config["environments"]["production"]["hold_after_rollback"] = "1h"
    fleet.write()
    fleet.deploy("1.0")
    fleet.build("1.1", mode="silent", bad_in=["production/us", "production/au"])
    process = fleet.start("deploy", "production")
    fleet.wait_for("intended.deploy_preview", count=6, process=process)
    process.kill()
    process.communicate()
    end_lease_in(fleet, 0)
    code, result, progress = fleet.deploy("1.2")
    assert (code, result["reason_code"]) == (68, "held_after_rollback"), progress
    assert "was cut off; recovering" in progress
    assert fleet.serving_everywhere() == fleet.everywhere("1.0")


def test_a_part_that_is_recovered_hides_no_target_that_is_not_well(fleet, tmp_path):
    """Cut off in two targets, and the third has died and comes back ill: both are told, and the worse one counts."""
    fault = tmp_path / "fault"
    fleet.deploy("1.0", fault_file=str(fault), bad_in=["production/eu"])
    fleet.build("1.1")
    process = fleet.start("deploy", "production", "--targets", "us,au")
    fleet.wait_for("intended.deploy_preview", count=4, process=process)
    process.kill()
    process.communicate()
    end_lease_in(fleet, 0)
    kill(fleet, "eu", "proxy.json")
    kill(fleet, "eu", "revisions/*.json")
    fault.touch()
    code, result, progress = fleet.lockgate("recover", "production")
    assert (code, result["environment"]) == (52, "production/eu"), progress
    assert "production: aborted" in progress
    fault.unlink()
    assert fleet.serving_everywhere() == fleet.everywhere("1.0")


def kill(fleet, name, pattern):
    """Kill what the record of that name in a target's folder is about."""
    (file,) = (fleet.state / "targets" / "shop" / f"production@{name}").glob(pattern)
    record = json.loads(file.read_text())
    os.kill(record.get("handle", record)["pid"], signal.SIGKILL)


def taken(port):
    """Somebody else's program on that port, as soon as it is free."""
    deadline = time.monotonic() + 10
    while True:
        try:
            return socket.create_server(("127.0.0.1", port))
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.02)


def test_a_part_of_the_targets_can_be_shipped_by_itself(fleet):
    """Only those named change, under a record of their own; a name that is none is told."""
    fleet.build("1.0")
    code, result, _ = fleet.lockgate("deploy", "production", "--targets", "us,au")
    assert (code, fleet.members(result)) == (0, {"us": "deployed", "au": "deployed"})
    assert fleet.serving_everywhere() == {"eu": "", "us": "1.0", "au": "1.0"}
    code, result, _ = fleet.lockgate("deploy", "production", "--targets", "uk")
    assert (code, result["reason_code"]) == (2, "usage")
    assert "has no target uk" in result["message"]

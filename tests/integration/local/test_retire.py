"""How a revision ends: after its users have, or after its time is up."""

import json
import threading
import time
from pathlib import Path

import pytest

from lockgate.adapters.local import sockets
from lockgate.core.release import ArtifactKind
from lockgate.errors import TargetError
from tests.integration.local.conftest import Site, get, kill, release, running, under_load


def replaced(site: Site, service: str = "plain") -> tuple[str, str]:
    """Two releases; the first has no traffic any more. Gives their revisions' ids."""
    target = site.target(service)
    old = target.deploy_preview(release("1"))
    target.shift({old.id: 100})
    new = target.deploy_preview(release("2"))
    return old.id, new.id


def wait_for_connections(site: Site, revision_id: str, count: int) -> None:
    """Wait until so many connections lead to a revision."""
    port = json.loads((site.folder / "revisions" / f"{revision_id}.json").read_text())["port"]
    deadline = time.monotonic() + 10
    while (sockets.connections(port) or 0) < count:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_request_that_was_begun_is_finished(site: Site) -> None:
    """A slow answer of the old revision still arrives, and the old revision ends soon after."""
    old, new = replaced(site)
    answers: list[str] = []
    slow = threading.Thread(target=lambda: answers.append(get(site.url + "slow?seconds=1.5")["version"]))
    slow.start()
    time.sleep(0.5)
    site.target().shift({new: 100})
    started = time.monotonic()
    site.target().retire(old)
    slow.join()
    assert answers == ["1"]
    assert 0.8 < time.monotonic() - started < site.drain
    assert site.target().observe().find(old) is None


def test_a_websocket_stays_until_the_drain_is_over(site: Site) -> None:
    """A WebSocket never ends by itself: it is kept for as long as the drain lasts, and closed then."""
    short = site.but(drain=1.5)
    old, new = replaced(short, "good")
    with under_load(site.url, connections=0, websockets=2) as load:
        wait_for_connections(site, old, 2)
        short.target().shift({new: 100})
        began = time.monotonic()
        short.target().retire(old)
        took = time.monotonic() - began
        time.sleep(0.3)
    assert load.report is not None
    assert took >= 1.5
    assert [close["version"] for close in load.report.websockets.closes] == ["1", "1"]
    assert all(close["t"] > 1.5 for close in load.report.websockets.closes)
    assert load.report.websockets.opened == 4
    assert any("2 connections were still open" in line for line in site.said)


def test_an_idle_revision_ends_quickly(site: Site) -> None:
    """The proxy's own idle connections do not count for longer than they live, which is a second."""
    old, new = replaced(site)
    get(site.url)
    site.target().shift({new: 100})
    started = time.monotonic()
    site.target().retire(old)
    assert time.monotonic() - started < 3


def test_what_has_traffic_is_not_ended(site: Site) -> None:
    """The active revision cannot be retired by mistake."""
    old, _ = replaced(site)
    with pytest.raises(TargetError, match="has 100 % of the traffic"):
        site.target().retire(old)
    assert get(site.url)["version"] == "1"


def test_what_is_gone_is_retired(site: Site) -> None:
    """Twice is once, and a revision that died by itself needs no draining."""
    old, new = replaced(site)
    site.target().shift({new: 100})
    kill(site, old)
    started = time.monotonic()
    site.target().retire(old)
    site.target().retire(old)
    site.target().retire("never-was")
    assert time.monotonic() - started < 1
    assert [revision.id for revision in site.target().observe().revisions] == [new]


def test_one_that_does_not_want_to_end(site: Site) -> None:
    """SIGTERM may be ignored, and a child may have left the group: all of the session is gone afterwards."""
    target = site.but(drain=0.1).target("stubborn")
    revision = target.deploy_preview(release("1"))
    child = int((site.folder / "logs" / "blue.log").read_text())
    assert child in running(site)
    target.retire(revision.id)
    assert [command for command in running(site).values() if "caddy" not in command] == []


def test_a_recycled_process_id_is_left_alone(site: Site) -> None:
    """A record whose process id belongs to another program now is neither alive nor a reason to end that program."""
    old, new = replaced(site)
    site.target().shift({new: 100})
    path = site.folder / "revisions" / f"{old}.json"
    record = json.loads(path.read_text())
    honest = path.read_text()
    record["handle"]["started"] = "1"
    path.write_text(json.dumps(record))
    revision = site.target().observe().find(old)
    assert revision is not None
    assert not revision.alive
    site.target().retire(old)
    assert record["handle"]["pid"] in running(site)
    path.write_text(honest)


def test_a_revision_of_a_kind_nobody_can_stop_stays_on_record(site: Site) -> None:
    """Without the engine that started it, a container cannot be ended, and must not be forgotten."""
    old, new = replaced(site)
    site.target().shift({new: 100})
    path = site.folder / "revisions" / f"{old}.json"
    honest = path.read_text()
    path.write_text(honest.replace(ArtifactKind.BUNDLE, ArtifactKind.IMAGE, 1))
    with pytest.raises(TargetError, match="kind image"):
        site.target().retire(old)
    assert path.exists()
    path.write_text(honest)


def test_shutting_down_leaves_nothing(site: Site) -> None:
    """After `shutdown` no process and no record is there, and the environment can be used again."""
    replaced(site)
    site.target().shutdown()
    assert running(site) == {}
    assert site.target().observe().revisions == ()
    assert not any(Path(site.folder / "revisions").iterdir())
    target = site.target()
    target.shift({target.deploy_preview(release("3")).id: 100})
    assert get(site.url)["version"] == "3"

"""The switch, under load."""

import subprocess
import sys
import time
import urllib.error
from pathlib import Path

import pytest

from lockgate.core.config_target import TargetConfig
from lockgate.errors import StateError, TargetError
from tests.integration.local.conftest import Site, get, kill, release, under_load

RENAME_AS_FAST_AS_POSSIBLE = """
import os, sys, time
os.chdir(sys.argv[1])
states = [f"blue={100 - green} green={green}" for green in (0, 10, 50, 100, 95)]
for state in states:
    with open(state, "w") as file:
        file.write(state + "\\n")
end, count = time.monotonic() + float(sys.argv[2]), 0
while time.monotonic() < end:
    for state in states:
        os.link(state, "next")
        os.rename("next", "traffic")
        count += 1
print(count)
"""


def test_a_rollout_loses_nothing(site: Site) -> None:
    """From one release to the next by 10, 50 and 100 %: no request is lost, and no shift closes a WebSocket."""
    target = site.target("good")
    old = target.deploy_preview(release("1"))
    target.shift({old.id: 100})
    with under_load(site.url, connections=10, websockets=3) as load:
        time.sleep(0.3)
        new = target.deploy_preview(release("2"))
        for share in (10, 50, 100):
            target.shift({new.id: share, old.id: 100 - share})
            time.sleep(0.4)
    assert load.report is not None
    assert (load.report.failed, load.report.bad) == (0, 0)
    assert set(load.report.by_version) == {"1", "2"}
    assert load.report.requests > 100
    assert (load.report.websockets.opened, load.report.websockets.closed) == (3, 0)
    target.retire(old.id)
    assert [(revision.version, revision.weight) for revision in target.observe().revisions] == [("2", 100)]


def test_no_request_falls_between_two_states(site: Site) -> None:
    """However fast the traffic file is replaced, every request finds the old split or the new one."""
    target = site.target()
    for version in ("1", "2"):
        revision = target.deploy_preview(release(version))
        target.shift({revision.id: 100})
    with under_load(site.url, connections=10) as load:
        storm = [sys.executable, "-c", RENAME_AS_FAST_AS_POSSIBLE, str(site.folder), "2"]
        renames = int(subprocess.run(storm, check=True, capture_output=True, text=True).stdout)
    assert load.report is not None
    assert (load.report.failed, load.report.bad) == (0, 0)
    assert set(load.report.by_version) == {"1", "2"}
    assert renames > 1000
    assert load.report.requests > 100


def test_the_share_is_kept(site: Site) -> None:
    """Ten percent are ten of a hundred requests, not fewer and not more."""
    target = site.target()
    old = target.deploy_preview(release("1"))
    target.shift({old.id: 100})
    new = target.deploy_preview(release("2"))
    target.shift({new.id: 10, old.id: 90})
    versions = [get(site.url)["version"] for _ in range(100)]
    assert versions.count("2") == 10


def test_nobody_is_served_before_the_first_shift(site: Site) -> None:
    """A first release that is still being judged gets no user: the proxy answers 503 and says why."""
    revision = site.target().deploy_preview(release("1"))
    with pytest.raises(urllib.error.HTTPError) as caught:
        get(site.url)
    assert caught.value.code == 503
    assert caught.value.headers["X-Lockgate-Proxy"] == "no revision has traffic"
    caught.value.close()
    assert get(revision.url)["version"] == "1"
    assert revision.weight == 0


def test_the_service_sees_the_request_as_it_came(site: Site) -> None:
    """The Host stays the user's, and X-Forwarded-For is the proxy's word, not the request's."""
    target = site.target()
    target.shift({target.deploy_preview(release("1")).id: 100})
    seen = get(site.url + "headers", {"Host": "shop.example", "X-Forwarded-For": "203.0.113.9"})
    assert (seen["Host"], seen["X-Forwarded-For"], seen["X-Forwarded-Proto"]) == ("shop.example", "127.0.0.1", "http")
    assert seen["X-Forwarded-Host"] == "shop.example"


def test_a_dead_service_is_seen_to_be_dead(site: Site) -> None:
    """The proxy hides no failure: when the only revision is gone, users and the gate get an error."""
    target = site.target()
    revision = target.deploy_preview(release("1"))
    target.shift({revision.id: 100})
    kill(site, revision.id)
    with pytest.raises(urllib.error.HTTPError) as caught:
        get(site.url)
    caught.value.close()
    assert caught.value.code == 502
    assert [revision.alive for revision in target.observe().revisions] == [False]


@pytest.mark.parametrize("share", [0, 101, 97, -5])
def test_a_wrong_split_changes_nothing(site: Site, share: int) -> None:
    """Weights that do not add up to 100, or that the proxy has no route for, are refused."""
    target = site.target()
    revision = target.deploy_preview(release("1"))
    with pytest.raises(TargetError, match="not a split of traffic"):
        target.shift({revision.id: share})
    assert (site.folder / "traffic").read_text() == "blue=0 green=0\n"


def test_an_unknown_or_dead_revision_gets_no_traffic(site: Site) -> None:
    """Nothing is shifted to what is not there, or does not run any more."""
    target = site.target()
    with pytest.raises(TargetError, match="no revision green-x"):
        target.shift({"green-x": 100})
    revision = target.deploy_preview(release("1"))
    kill(site, revision.id)
    with pytest.raises(TargetError, match="does not run any more"):
        target.shift({revision.id: 100})


def test_shifting_twice_is_shifting_once(site: Site) -> None:
    """The same weights again are no error and no change, from another command too."""
    target = site.target()
    revision = target.deploy_preview(release("1"))
    for each in (target, target, site.target()):
        each.shift({revision.id: 100})
        assert each.observe().active == each.observe().find(revision.id)


def test_a_traffic_file_that_makes_no_sense_is_not_guessed_at(site: Site) -> None:
    """A damaged file is said, not read as "nobody" or "blue"."""
    target = site.target()
    target.deploy_preview(release("1"))
    (site.folder / "traffic").write_text("blue=lots")
    with pytest.raises(StateError, match="no split of traffic"):
        target.observe()


def test_nothing_deployed_is_an_empty_observation(tmp_path: Path, site: Site) -> None:
    """Looking changes nothing: no folder, no port, no process."""
    target = site.target(state=tmp_path / "unused", config=TargetConfig(port=8123))
    assert (target.observe().url, target.observe().revisions) == ("http://127.0.0.1:8123", ())
    assert not (tmp_path / "unused").exists()

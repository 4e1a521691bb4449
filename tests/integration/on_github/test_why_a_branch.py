"""Why the ledger on GitHub is files on a branch: what else a repository has does not keep the promises."""

from urllib.parse import quote

import pytest

from lockgate.adapters.clock import SystemClock
from lockgate.adapters.github.client import GitHub
from lockgate.adapters.github.files import ConflictError, Files
from lockgate.core import leased_log
from lockgate.errors import GitHubRefusedError
from tests.integration.on_github.test_ledger import record

pytestmark = pytest.mark.judged
LOCK = "lockgate/shop/production"


@pytest.fixture
def door(github):
    return GitHub(github.token, github.repository, github.url, SystemClock())


def take(door, sha):
    return door.call("POST", "/git/refs", {"ref": f"refs/{LOCK}", "sha": sha}, expect=(422,)).status == 201


def test_a_ref_is_created_once_but_an_expired_one_can_be_taken_by_two(github, door):
    """Deleting a reference names no old value: who saw it expire late deletes what another one has just created."""
    head = github.state.head
    assert take(door, head)
    assert not take(door, head), "creating a reference is atomic"
    # Both have read that the lease expired. The first one takes it over:
    door.call("DELETE", f"/git/refs/{quote(LOCK, safe='')}")
    assert take(door, head)
    # The second one does what it had decided to do, and has it too:
    door.call("DELETE", f"/git/refs/{quote(LOCK, safe='')}")
    assert take(door, head)


def test_a_file_is_replaced_only_by_who_saw_what_is_there(github, door):
    """The same two, in the same order: the second one meets a conflict."""
    first, second = Files(door, SystemClock()), Files(door, SystemClock())
    expired = first.write("head.json", "expired", "", "taken")
    assert first.read("head.json").sha == second.read("head.json").sha == expired.sha
    first.write("head.json", "mine", expired.sha, "taken over")
    with pytest.raises(ConflictError):
        second.write("head.json", "mine", expired.sha, "taken over")
    assert second.read("head.json").text == "mine"


def test_a_deployment_status_holds_no_event(door):
    """140 characters, and the smallest beginning of a rollout is longer; nor can a status be refused for its fence."""
    text = Written().longest
    number = door.call("POST", "/deployments", {"ref": "main"}).body["id"]
    with pytest.raises(GitHubRefusedError, match="maximum is 140 characters"):
        door.call("POST", f"/deployments/{number}/statuses", {"state": "in_progress", "description": text})


class Written:
    """What a rollout that ended at once wrote."""

    def __init__(self):
        self.longest = ""
        record(self, None, "r1", "a", None)

    def append(self, event, _):
        self.longest = max(self.longest, leased_log.link(event, 1).data, key=len)

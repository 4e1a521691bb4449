"""The door to GitHub: bounded in time, retried only where that is safe, honest about what is missing."""

import time

import pytest

from lockgate.adapters.clock import SystemClock
from lockgate.adapters.github import approvals
from lockgate.adapters.github.client import GitHub
from lockgate.errors import GitHubError, GitHubRefusedError

pytestmark = pytest.mark.judged


class QuickClock(SystemClock):
    """Real time, in which waiting costs none; how long was waited is kept."""

    def __init__(self):
        self.slept = []

    def monotonic(self):
        return super().monotonic() + sum(self.slept)

    def sleep(self, seconds):
        self.slept.append(seconds)


@pytest.fixture
def clock():
    return QuickClock()


@pytest.fixture
def door(github, clock):
    return GitHub(github.token, github.repository, github.url, clock, seconds=30)


def test_a_read_survives_a_short_outage(github, door, clock):
    """Two server errors and a lost connection, and the answer comes."""
    github.faults.add("GET", "/deployments", status=502, times=2)
    github.faults.add("GET", "/deployments", status=0)
    assert door.get("/deployments").body == []
    assert clock.slept == [0.5, 1.0, 2.0]


def test_an_outage_ends_in_an_error_within_the_bound(github, clock):
    """Never longer than the caller allowed."""
    github.faults.add("GET", "/deployments", status=503, times=99)
    door = GitHub(github.token, github.repository, github.url, clock, seconds=1)
    with pytest.raises(GitHubError, match="GitHub answered 503 to GET /deployments"):
        door.get("/deployments")
    assert sum(clock.slept) <= 1


def test_a_creation_that_may_have_happened_is_not_sent_twice(github, door):
    """The deployment was made and its answer lost: a second one would be a lie."""
    github.faults.add("POST", "/deployments", status=502, after=True)
    with pytest.raises(GitHubError, match="502"):
        door.call("POST", "/deployments", {"ref": "main"})
    assert len(github.state.deployments) == 1


def test_a_creation_that_was_refused_for_its_rate_is_sent_again(github, door, clock):
    """A secondary limit refuses before anything is done, and says how long to wait."""
    github.faults.add(
        "POST",
        "/deployments",
        status=403,
        headers={"retry-after": "3"},
        message="You have exceeded a secondary rate limit.",
    )
    door.call("POST", "/deployments", {"ref": "main"})
    assert (len(github.state.deployments), clock.slept) == (1, [3.0])


def test_nobody_waits_an_hour_for_the_primary_limit(github, door, clock):
    """The reset is further away than the bound: said at once, without a wait."""
    github.limit = 0
    with pytest.raises(GitHubError, match="rate limit exceeded"):
        door.get("/deployments")
    assert clock.slept == []


def test_a_missing_permission_is_named(github, door):
    """What to grant stands in the error."""
    github.permissions["deployments"] = "read"
    with pytest.raises(GitHubRefusedError, match="Resource not accessible") as refused:
        door.call("POST", "/deployments", {"ref": "main"})
    assert "deployments=write" in refused.value.why


def test_a_wrong_token_is_said_to_be_one(github, clock):
    """Not a missing repository, not an outage."""
    with pytest.raises(GitHubRefusedError, match="Bad credentials") as refused:
        GitHub("wrong", github.repository, github.url, clock).get("/deployments")
    assert refused.value.status == 401


def test_writes_do_not_sleep_between_each_other(github, door):
    """PyGithub's own second after each write is off: six writes take less than one."""
    (number,) = [door.call("POST", "/deployments", {"ref": "main"}).body["id"]]
    started = time.monotonic()
    for state in ("queued", "pending", "in_progress", "success", "inactive"):
        door.call("POST", f"/deployments/{number}/statuses", {"state": state})
    assert time.monotonic() - started < 1


def test_long_lists_are_read_page_by_page(github, door):
    """All of them, and no more than asked for."""
    for _ in range(120):
        door.call("POST", "/deployments", {"ref": "main"})
    assert len(list(door.pages("/deployments"))) == 120
    assert len(list(door.pages("/deployments", most=100))) == 100


def test_half_an_answer_is_no_answer(github, door):
    """A page of a proxy, instead of JSON, is not read as if GitHub had spoken."""
    github.faults.add("GET", "/deployments", status=502, times=9, message="<html>")
    with pytest.raises(GitHubError):
        door.get("/deployments")


def test_the_names_that_may_deploy_are_read(github, door):
    """Those that a person chose for the environment, of whatever number."""
    names = tuple(f"release/{n}" for n in range(120))
    github.state.environment("production", branches="custom", names=names)
    assert approvals.protection(door, "production").names == names

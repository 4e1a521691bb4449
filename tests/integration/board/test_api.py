"""What programs ask the board, held to its own OpenAPI description."""

import threading

import pytest
from jsonschema import Draft202012Validator

from lockgate.adapters.clock import SystemClock
from lockgate.adapters.github.board import GitHubApprovals, GitHubDispatch
from lockgate.adapters.github.client import GitHub
from lockgate.board.api.openapi import description
from lockgate.board.door import OpenDoor
from lockgate.board.settings import Settings
from lockgate.core.board.viewer import Role, Viewer
from lockgate.core.board.waiting import Waiting
from lockgate.errors import GitHubError
from tests.integration.board.conftest import ORIGIN, started
from tests.integration.board.test_pages import Waits

PATH = "/api/deployments"
BODY = {"platform": "azure", "environment": "production", "branch": "main", "reference": "v1.2"}
INPUTS = {"platform": "azure", "environment": "production", "reference": "v1.2"}


def held(answer, path, method="get"):
    """Hold an answer to the description, and give its body."""
    operation = description()["paths"][path][method]
    (content,) = operation["responses"][str(answer.status_code)]["content"].items()
    assert answer.headers["content-type"] == content[0]
    schema = {**content[1]["schema"], "components": description()["components"]}
    Draft202012Validator(schema).validate(answer.json())
    return answer.json()


class Starts:
    """What would start the pipeline, and remembers what it was asked for."""

    def __init__(self):
        self.asked, self.error, self.slowly = [], None, None

    def start(self, ref, inputs):
        if self.slowly:
            self.slowly.wait(10)
        self.asked.append((ref, dict(inputs)))
        if self.error:
            raise self.error
        return "https://github.com/ada/shop/actions/workflows/deploy.yml"


@pytest.fixture
def starts(running):
    running.board.dispatch = Starts()
    return running.board.dispatch


def test_deployments_are_listed_page_by_page_and_read_one_by_one(lived):
    """As the ledger has them; the next page is a link."""
    seen, path = [], f"{PATH}?limit=15"
    while path:
        body = held(lived.get(path), PATH)
        seen += [one["id"] for one in body["deployments"]]
        path = body["links"].get("older")
    assert seen == [one.id for one in lived.kind.ledger.deployments(limit=200)]
    one = held(lived.get(f"{PATH}/bad-1"), f"{PATH}/{{id}}")
    assert (one["status"], one["deployed_by"]) == ("rolled_back", "ada")
    assert held(lived.get(f"{PATH}/none"), f"{PATH}/{{id}}")["status"] == 404
    assert "status is one of" in held(lived.get(f"{PATH}?status=x"), PATH)["detail"]
    places = held(lived.get("/api/environments"), "/api/environments")["environments"]
    assert {(one["service"], one["environment"]) for one in places} >= {("shop", "production"), ("till", "production")}
    assert lived.get("/api/openapi.json").json() == description()


def test_what_is_not_there_is_a_problem_for_programs_too(running):
    """Under /api/ nobody gets a page."""
    answer = running.get("/api/nothing")
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
    assert running.client.put(PATH).status_code == 405


def test_a_deployment_is_asked_for_once_by_its_key(running, starts):
    """Asked again with the key, the answer is the same and nothing is started; another request needs another key."""
    ask = lambda key, **change: running.client.post(PATH, json={**BODY, **change}, headers={"idempotency-key": key})  # noqa: E731
    first = ask("k1")
    assert held(first, PATH, "post") == {"status": "requested", **BODY, "url": first.headers["location"]}
    again = ask("k1")
    assert (again.status_code, again.json(), again.headers["idempotency-replayed"]) == (202, first.json(), "true")
    assert starts.asked == [("main", INPUTS)]
    assert "another request" in held(ask("k1", branch="other"), PATH, "post")["title"]
    assert ask("k2").status_code == 202
    assert ask("with space").status_code == 400
    assert running.client.post(PATH, json=BODY).status_code == 202
    assert len(starts.asked) == 3


def test_what_did_not_begin_may_be_tried_again(running, starts):
    """GitHub being away gives the key back; while it is being carried out, a second one waits."""
    ask = lambda: running.client.post(PATH, json=BODY, headers={"idempotency-key": "k"})  # noqa: E731
    starts.error = GitHubError("GitHub could not be reached.")
    assert held(ask(), PATH, "post")["title"] == "GitHub did not answer"
    starts.error, starts.slowly = None, threading.Event()
    answers = []
    thread = threading.Thread(target=lambda: answers.append(ask()))
    thread.start()
    while not running.board.repeats._kept:
        thread.join(0.005)
    assert held(ask(), PATH, "post")["status"] == 409
    starts.slowly.set()
    thread.join()
    assert answers[0].status_code == 202


def test_a_request_that_makes_no_sense_starts_nothing(running, starts):
    """Every field that is wrong is named; no JSON, a foreign page, a long body, a viewer: each has its own answer."""
    post = lambda **more: running.client.post(PATH, **more)  # noqa: E731
    wrong = held(post(json={"platform": "ibm", "branch": "x" * 101}), PATH, "post")
    assert set(wrong["errors"]) == {"platform", "environment", "branch"}
    json = {"content-type": "application/json"}
    assert held(post(content=b"{", headers=json), PATH, "post")["status"] == 400
    assert held(post(content=b"[" * 50_000, headers=json), PATH, "post")["status"] == 400
    assert held(post(content=b"x", headers={"content-type": "text/plain"}), PATH, "post")["status"] == 415
    for headers in ({"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}, {"origin": "null"}):
        assert held(post(json=BODY, headers=headers), PATH, "post")["status"] == 403
    assert post(json={**BODY, "reference": "x" * 70_000}).status_code == 413
    assert starts.asked == []
    assert post(json=BODY, headers={"origin": ORIGIN, "sec-fetch-site": "same-origin"}).status_code == 202


def test_a_viewer_may_look_and_not_deploy(tmp_path):
    """Whatever they send."""
    made = started(tmp_path, door=OpenDoor(Viewer("eve")), dispatch=Starts())
    assert held(made.client.post(PATH, json=BODY), PATH, "post")["detail"] == "That needs the role operator."
    assert made.board.dispatch.asked == []


@pytest.mark.parametrize(
    ("services", "own", "status"),
    [
        (None, "", 202),
        (None, "shop", 202),
        (frozenset({"shop", "till"}), "shop", 202),
        (frozenset({"till"}), "shop", 403),
        (frozenset({"till"}), "", 403),
        (frozenset(), "", 403),
    ],
)
def test_the_pipeline_is_of_a_service_like_everything_else(tmp_path, services, own, status):
    """Who operates one service starts no other's, and is not shown what waits there; whose it is, the config says."""
    viewer = Viewer("eve", Role.OPERATOR, services)
    waits = Waits([Waiting("production", "v2", "Ship it", "ada", "2026-11-01T00:00:00+00:00", "https://github.com/x")])
    settings = Settings(tick=0.01, cache_seconds=0, service=own)
    made = started(tmp_path, settings, door=OpenDoor(viewer), dispatch=Starts(), approvals=waits)
    with made.client:
        assert made.client.post(PATH, json=BODY).status_code == status
        assert len(made.board.dispatch.asked) == (status == 202)
        text = made.get("/approvals").text
        assert ("Ship it" in text) == (status == 202)
        assert ("of a service that you may not see" in text) == (status == 403)


def test_a_board_that_can_start_nothing_says_so(running):
    """It needs a token, a repository and a workflow."""
    assert held(running.client.post(PATH, json=BODY), PATH, "post")["status"] == 503


@pytest.mark.judged
def test_github_is_asked_as_it_wants_to_be(running, github):
    """A dispatch with the inputs that the workflow declares; runs that wait, with who may say yes."""
    hub = GitHub(github.token, github.repository, github.url, SystemClock(), seconds=3)
    github.state.workflows["deploy.yml"] = set(INPUTS)
    running.board.dispatch = GitHubDispatch(hub, "https://github.com", "deploy.yml")
    answer = running.client.post(PATH, json=BODY)
    assert answer.json()["url"] == "https://github.com/ada/shop/actions/workflows/deploy.yml"
    assert github.state.dispatched == [("deploy.yml", {"ref": "main", "inputs": INPUTS})]
    refused = held(running.client.post(PATH, json={**BODY, "branch": "none"}), PATH, "post")
    assert "No ref found for: none" in refused["detail"]
    github.state.environment("production", reviewers=("grace", "linus"))
    github.state.runs[8] = {**github.state.runs[7], "status": "waiting", "waits_for": ["production"]}
    (one,) = GitHubApprovals(hub).waiting()
    assert (one.environment, one.by, one.reviewers, one.title) == ("production", "ada", ("grace", "linus"), "Sell tea")
    assert one.url == "https://github.com/ada/shop/actions/runs/8"


def test_a_badge_says_what_serves(lived):
    """For a README on another page; a place that nobody knows has one, too."""
    answer = lived.get("/badge/shop/production.svg")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/svg+xml")
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    assert "production: " in answer.text
    assert "nothing deployed" in lived.get("/badge/shop/nowhere/eu.svg").text
    assert "<script" not in lived.get("/badge/shop/<script>.svg").text

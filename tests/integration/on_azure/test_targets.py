"""Both Azure targets in one process: how rollouts end, what is undone, what is never done twice."""

from dataclasses import replace

import pytest

from lockgate.adapters.signals import StopSignal, ThreadStop
from lockgate.commands.platforms import open_target
from lockgate.core import azure_marks
from lockgate.core.rollout_model import Watch
from tests.integration.on_azure.driver import Place
from tests.integration.on_azure.shop import KINDS, image
from tests.standins.azure.faults import Fault, When
from tests.standins.azure.messages import Answer, error
from tests.standins.azure.web import WebApp
from tests.standins.azure.wire import VirtualClock

pytestmark = pytest.mark.judged
SWAP = "POST .*/slotsswap$"


@pytest.fixture(params=KINDS)
def place(request, tmp_path, azure):
    return Place(tmp_path / "machine", azure, request.param)


@pytest.fixture
def web(tmp_path, azure):
    return Place(tmp_path / "machine", azure, "azure-app-service")


@pytest.fixture
def app(tmp_path, azure):
    return Place(tmp_path / "machine", azure, "azure-container-apps")


def test_a_release_is_deployed_and_the_old_one_stopped(place):
    """In steps, with one swap; nothing that was prepared is left."""
    state = place.begin().deploy()
    assert state.outcome == "deployed", place.said.getvalue()
    assert place.serves("1.1")
    if isinstance(place.app, WebApp):
        assert (place.app.swaps, place.app.preview.running, place.app.preview.prepared) == (1, False, False)
    else:
        assert [one.active for one in place.app.revisions.values()] == [False, True]
        assert place.app.traffic == [{"revisionName": list(place.app.revisions)[1], "weight": 100}]


def test_a_broken_release_never_gets_users(place):
    """It is aborted; production and its settings are as before."""
    place.config["environments"]["production"]["target"]["start_timeout"] = "3s"
    place.behave("1.1", errors_after=0)
    state = place.begin().deploy()
    assert state.outcome == "aborted", place.said.getvalue()
    assert place.serves("1.0")
    if isinstance(place.app, WebApp):
        assert (place.app.swaps, place.app.preview.running, place.app.preview.prepared) == (0, False, False)
    else:
        assert [one.active for one in place.app.revisions.values()] == [True, False]


def test_errors_under_traffic_bring_the_old_release_back(tmp_path, azure, place):
    """Swapped or shifted back, once, and judged again."""
    place.config["environments"]["production"]["strategy"]["steps"] = [100]
    place.begin()
    place.config["environments"]["production"]["gate"]["bake"] = "4s"
    place.behave("1.1", errors_after=30)
    state = place.deploy()
    assert state.outcome == "rolled_back", place.said.getvalue()
    assert place.serves("1.0")
    if isinstance(place.app, WebApp):
        assert place.app.swaps == 2


@pytest.mark.parametrize(
    ("share", "named", "marked"),
    [(10, True, True), (50, True, True), (50, True, False), (50, False, False)],
    ids=["10 %", "50 %", "old one unmarked", "versions not named"],
)
def test_errors_under_a_share_of_the_users_are_the_new_releases(web, share, named, marked):
    """Production's own address sends that share to the new release, and its answers are not held against the old one."""
    environment = web.config["environments"]["production"]
    environment["gate"]["version"] = {"header": "X-Version"} if named else {}
    environment["strategy"] |= {"steps": [share, 100], "pause": "15s"}
    web.behave("1.1", errors_after=30)
    marks = azure_marks.marks(web.release("1.0"), "first", "production") if marked else {}
    state = web.begin(marks=marks).deploy()
    (step,) = [report for watch, report in web.reports if watch is Watch.STEP]
    assert (state.outcome, step.verdict) == ("rolled_back", "failed"), web.said.getvalue()
    assert [one.baseline_bad for one in step.indicators] == [0, 0]
    assert web.serves("1.0")


@pytest.mark.parametrize(
    "fault",
    [
        lambda faults: faults.status(SWAP, 502, when=When.AFTER, retry_after=1),
        lambda faults: faults.lose(SWAP),
    ],
    ids=["502 with Retry-After", "answer lost"],
)
def test_a_swap_whose_answer_is_lost_is_not_sent_again(web, azure, fault):
    """It was done, both slots say so, and so the rollout goes on: the stock client would have swapped twice."""
    web.begin()
    fault(azure.faults)
    state = web.deploy()
    assert (state.outcome, web.app.swaps) == ("deployed", 1), web.said.getvalue()
    assert web.serves("1.1")
    assert len(azure.server.calls(SWAP)) == 1


def test_a_swap_that_never_was_goes_back(web, azure):
    """Refused before its effect: the old release stays, and is judged."""
    web.begin()
    azure.faults.status(SWAP, 503)
    state = web.deploy()
    assert (state.outcome, web.app.swaps) == ("rolled_back", 0), web.said.getvalue()
    assert web.serves("1.0")


def test_a_way_back_that_azure_bars_is_gone_by_recover(web, azure):
    """Half of the users are with a release that was not proven, and the outcome says so; later they go back."""
    web.begin()
    denied = error(403, "AuthorizationFailed", "The client does not have authorization to perform this action.")
    azure.faults.refuse(SWAP, denied)
    azure.faults.refuse("PATCH .*/config/web", denied, skip=1, times=9)
    state = web.deploy()
    assert state.outcome == "broken", web.said.getvalue()
    assert web.in_production() == {image(azure, one).rpartition("@")[2] for one in ("1.0", "1.1")}
    azure.faults.waiting.clear()
    result = web.recover()
    assert (result.decision, web.serves("1.0"), web.app.preview.running) == ("passed", True, False), result.message
    assert web.recover().message == "nothing to recover"


@pytest.mark.parametrize("number", [1, 3], ids=["the new revision", "all of the traffic"])
def test_a_change_whose_answer_is_lost_and_that_conflicts_with_itself_was_made(app, azure, number):
    """Accepted, answered by a gateway, sent again and refused while it goes on for half a minute: it is there, and good."""
    app.begin()
    azure.operations.plan("app shop", seconds=1.5)
    azure.faults.status("PATCH ", 502, when=When.AFTER).skip = number
    state = app.deploy()
    assert state.outcome == "deployed", app.said.getvalue()
    assert app.serves("1.1")
    assert len(app.app.revisions) == 2
    answers = [one.answer.status for one in azure.server.calls("PATCH ")]
    assert answers == [*[202] * number, 502, 409, *[202] * (3 - number)]


def test_a_change_that_waits_for_somebody_elses_is_made_after_it(app, azure):
    """The conflict is not its own, so it is sent again once Azure is at nothing."""
    app.begin()
    busy = error(409, "ContainerAppOperationInProgress", "There is an active provisioning operation in progress.")
    azure.faults.refuse("PATCH ", busy, times=2, skip=1)
    assert app.deploy().outcome == "deployed", app.said.getvalue()
    assert app.serves("1.1")


def test_a_single_revision_app_is_refused_with_the_fix(app):
    """There, weights do nothing and say nothing."""
    app.begin()
    app.app.mode = "Single"
    state = app.deploy()
    assert state.outcome == "aborted"
    assert "set-mode --mode multiple" in state.message
    assert len(app.app.revisions) == 1


def test_stale_traffic_entries_are_cleaned_and_labels_kept(app):
    """What does not run any more leaves the list, a label stays with its revision."""
    app.begin()
    app.app.traffic = [
        {"revisionName": "shop--first", "weight": 100, "label": "live"},
        {"revisionName": "shop--gone", "weight": 0},
    ]
    app.app.revisions["shop--gone"] = app.app.revisions["shop--first"].__class__(
        "shop--gone", app.app.template, "2026-01-01T00:00:00Z", app.app.revisions["shop--first"].backend, active=False
    )
    rollouts = app.rollouts()
    (old,) = rollouts.target.observe().revisions
    new = rollouts.target.deploy_preview(app.release("1.1"))
    rollouts.target.shift({new.id: 10, old.id: 90})
    assert app.app.traffic == [
        {"revisionName": new.id, "weight": 10},
        {"revisionName": "shop--first", "weight": 90, "label": "live"},
    ]


def test_rules_that_azure_refuses_while_a_swap_is_prepared_are_said(web):
    """The release has had no users, and the message names the setting that does without steps."""
    web.begin()
    web.app.refuses_rules_while_prepared = True
    state = web.deploy()
    assert state.outcome == "rolled_back"
    assert web.serves("1.0")
    assert web.app.swaps == 0


def test_sticky_settings_of_production_are_what_the_preview_is_judged_with(web):
    """Two phases: the preview runs with production's own settings before it gets users, and production keeps them."""
    web.app.sticky = ["DATABASE"]
    web.begin()
    web.app.production.settings["DATABASE"] = "production"
    web.app.preview.settings = {"DATABASE": "staging", "OTHER": "1"}
    rollouts = web.rollouts()
    rollouts.target.deploy_preview(web.release("1.1"))
    assert web.app.preview.backend.settings["DATABASE"] == "production"
    assert web.app.preview.settings["OTHER"] == "1"
    assert web.deploy().outcome == "deployed", web.said.getvalue()
    assert (web.app.production.settings["DATABASE"], web.app.preview.settings["DATABASE"]) == ("production", "staging")


def test_what_production_lent_to_a_prepared_slot_is_not_kept_there(web, azure):
    """A slot that could not be reset lists production's own values: the next release is not given them for good."""
    web.app.sticky = ["DATABASE"]
    web.begin()
    web.app.production.settings["DATABASE"] = "production"
    web.app.preview.settings = {"DATABASE": "staging"}
    web.behave("1.1", errors_after=0)
    denied = error(403, "AuthorizationFailed", "The client does not have authorization to perform this action.")
    azure.faults.refuse("POST .*/resetSlotConfig$", denied, times=9)
    web.config["environments"]["production"]["target"]["start_timeout"] = "3s"
    assert web.deploy().outcome == "aborted", web.said.getvalue()
    assert web.app.preview.prepared
    azure.faults.waiting.clear()
    assert web.deploy("1.2").outcome == "deployed", web.said.getvalue()
    assert (web.app.production.settings["DATABASE"], web.app.preview.settings["DATABASE"]) == ("production", "staging")


def test_what_was_read_of_a_prepared_slot_is_not_written_back_after_its_reset(web):
    """One process undoes a release and deploys the next, within the two seconds in which nothing is read again."""
    web.app.sticky = ["DATABASE"]
    web.begin()
    web.app.production.settings["DATABASE"] = "production"
    web.app.preview.settings = {"DATABASE": "staging"}
    project = replace(web.project(), clock=VirtualClock())
    target = open_target(project, project.environment("production"), {}, ThreadStop(StopSignal()))
    target.retire(target.deploy_preview(web.release("1.1")).id)
    target.deploy_preview(web.release("1.2"))
    assert web.app.preview.settings["DATABASE"] == "staging"


def test_a_release_after_another_in_one_process_leaves_each_slot_its_own_settings(web):
    """A swap exchanges what moves, and not what stays: what was remembered of it is not written back."""
    web.app.sticky = ["DATABASE"]
    web.begin()
    web.app.production.settings["DATABASE"] = "production"
    web.app.preview.settings = {"DATABASE": "staging"}
    rollouts = web.rollouts()
    for version in ("1.1", "1.2"):
        assert web.deploy(version, rollouts).outcome == "deployed", web.said.getvalue()
    assert (web.app.production.settings["DATABASE"], web.app.preview.settings["DATABASE"]) == ("production", "staging")


def test_autoscale_is_set_once_and_read_back(web, azure):
    """The plan's own setting is changed under its name; the second deploy has nothing to set."""
    azure.autoscale.settings["theirs"] = {
        "id": f"{azure.root}/providers/Microsoft.Insights/autoscalesettings/theirs",
        "name": "theirs",
        "location": "West Europe",
        "properties": {"targetResourceUri": web.app.plan.upper(), "profiles": []},
    }
    rules = [{"metric": "cpu", "above": 70, "change": 2, "window": "60m", "cooldown": "90m"}]
    web.config["environments"]["production"]["target"]["autoscale"] = {"rules": rules}
    web.begin()
    assert web.deploy().outcome == "deployed", web.said.getvalue()
    assert web.deploy("1.2").outcome == "deployed"
    (found,) = azure.autoscale.settings.values()
    capacity = found["properties"]["profiles"][0]["capacity"]
    assert capacity == {"minimum": "2", "maximum": "20", "default": "2"}
    (rule,) = found["properties"]["profiles"][0]["rules"]
    assert (rule["metricTrigger"]["timeWindow"], rule["scaleAction"]["cooldown"]) == ("PT1H", "PT1H30M")
    assert len(azure.server.calls("PUT .*/autoscalesettings/")) == 1


def test_a_container_app_scales_as_configured(app):
    """The new revision has the scale, as the platform says it."""
    app.config["environments"]["production"]["target"]["autoscale"] = {"minimum": 3, "default": 3}
    app.begin()
    assert app.deploy().outcome == "deployed", app.said.getvalue()
    scale = app.app.template["scale"]
    assert (scale["minReplicas"], scale["maxReplicas"]) == (3, 20)
    assert scale["rules"][0]["custom"] == {"type": "cpu", "metadata": {"type": "Utilization", "value": "70"}}


def test_a_revoked_role_in_the_middle_is_told_as_such(place, azure):
    """The rollout ends honestly, and production keeps the verified release."""
    place.begin()
    denied = error(403, "AuthorizationFailed", "The client does not have authorization to perform this action.")
    azure.faults.add(Fault("PATCH ", Answer(403, denied.body), times=50))
    state = place.deploy()
    assert state.outcome == "aborted"
    assert "does not allow" in state.message
    assert place.serves("1.0")

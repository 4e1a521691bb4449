"""Marks on the charts of Application Insights. Their API is in none of the descriptions that exchanges are judged by."""

import json

import pytest

from lockgate.commands.telemetry import Telemetry
from lockgate.core.azure_cloud import EnvironmentAzureConfig
from lockgate.core.config import Config, EnvironmentConfig
from lockgate.core.release import Artifact, ArtifactKind, Release
from lockgate.core.rollout import advance, begin
from lockgate.core.rollout_model import Event, EventKind, Plan, Standing
from tests.fixtures.stage import stage
from tests.standins.azure.messages import Answer, error

PATH = "providers/Microsoft.Insights/components/shop/Annotations"


def release(version):
    return Release("shop", version, "c" * 40, Artifact(ArtifactKind.IMAGE, "r.io/shop", "sha256:" + version[0] * 64))


@pytest.fixture
def marks(azure):
    kept = {}

    def put(request, _):
        if refused := azure.identity.authorise(request):
            return refused
        kept[request.json["Id"]] = request.json
        return Answer(200, [request.json])

    azure.server.route("PUT", f"{azure.root}/{PATH}", put)
    return kept


def rolled(azure, config, tmp_path, *events):
    """Tell the telemetry of a rollout with these events, and give what was printed."""
    made = stage(tmp_path, Config("shop", azure=config), azure.environment)
    environment = EnvironmentConfig("production", azure=EnvironmentAzureConfig(application_insights="shop"))
    telemetry = Telemetry(made.project, environment)
    plan = Plan("r1", "production", release("2.0"), Standing("old", release("1.0"), verified=True), (100,))
    state = begin(plan)
    for event in events:
        telemetry.wanted(state, state.effect)
        state = advance(state, event)
        telemetry.happened(state, event)
    telemetry.flush()
    return state, made.console.getvalue()


SHIPPED = (
    Event(EventKind.PREVIEWED, revision="new"),
    Event(EventKind.JUDGED, passed=True),
    Event(EventKind.SHIFTED),
)
BACK = (Event(EventKind.JUDGED, passed=False), Event(EventKind.SHIFTED), Event(EventKind.JUDGED, passed=True))


def test_a_promotion_and_a_rollback_are_marked(azure, config, tmp_path, marks):
    """Once each, with the digest and the rollout; telling it again marks nothing twice."""
    for _ in range(2):
        rolled(azure, config, tmp_path, *SHIPPED, *BACK, Event(EventKind.RETIRED, revision="new"))
    names = [mark["AnnotationName"] for mark in marks.values()]
    assert names == ["2.0 promoted", "2.0 rolled back"]
    for mark in marks.values():
        assert mark["Category"] == "Deployment"
        assert json.loads(mark["Properties"])["lockgate.rollout"] == "r1"


def test_every_call_carries_the_trace(azure, config, tmp_path, marks):
    """The Resource Manager's logs can be found by it."""
    rolled(azure, config, tmp_path, *SHIPPED)
    (call,) = azure.server.calls(PATH)
    assert call.request.headers["traceparent"].startswith("00-")


def test_a_mark_that_fails_stops_nothing(azure, config, tmp_path, marks):
    """It is said."""
    azure.faults.refuse(PATH, error(403, "AuthorizationFailed", "no"))
    state, said = rolled(azure, config, tmp_path, *SHIPPED)
    assert "no release annotation" in said
    assert state.outcome is None

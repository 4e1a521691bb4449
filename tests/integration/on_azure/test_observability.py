"""One trace from the ledger to Azure's own logs: in every line, event and request of a rollout; and a secret in none."""

import re
import shlex

import pytest

from lockgate.adapters.console import Console
from lockgate.adapters.runner import Runner
from lockgate.commands.project import Project
from lockgate.commands.telemetry import Telemetry
from lockgate.core.trace import Span, span_id, trace_id
from tests.integration.on_azure.driver import FastClock, Place
from tests.standins.azure.messages import Answer, error

KEY = "00000000-0000-0000-0000-00000000000a"
VALUE = "postgres://hunter2@db"
COMPONENT = "/providers/Microsoft.Insights/components/shop"


class OnGitHub(Place):
    """A job whose log and workflow commands are one stream, as they are on GitHub."""

    extra: dict[str, str] = {}  # noqa: RUF012 - one test each

    def project(self):
        env = {**self.azure.environment, "PATH": "/usr/bin:/bin", **self.extra}
        path = self.root / "lockgate.yml"
        super().project()
        console = Console(self.said, clock=FastClock())
        return Project(self.root, path, self.root / "state", Runner(env, self.said), console, FastClock())


@pytest.fixture
def place(tmp_path, azure):
    """An App Service whose integration tests need a secret of the vault, with Application Insights beside it."""
    azure.vault.set("database-url", VALUE)
    made = OnGitHub(tmp_path / "machine", azure, "azure-app-service", steps=[100])
    kept = tmp_path / "environment"
    made.config["secrets"] = {"DATABASE_URL": {"env": "DATABASE_URL", "vault": "database-url"}}
    made.config["environments"]["production"] |= {
        "azure": {"key_vault": azure.vault.url, "application_insights": "shop"},
        "integration": {"command": f'env > {shlex.quote(str(kept))}; echo "connecting to $DATABASE_URL"'},
    }
    made.kept = kept
    return made


@pytest.fixture
def insights(azure):
    """Application Insights: a resource, annotations, and an ingestion endpoint of its own."""
    taken = []

    def component(request, _):
        properties = {"ConnectionString": f"InstrumentationKey={KEY};IngestionEndpoint={azure.url}/"}
        return azure.identity.authorise(request) or Answer(200, {"properties": properties})

    def track(request, _):
        if "authorization" in request.headers:
            return Answer(400, {})
        taken.extend(request.json)
        return Answer(200, {"itemsReceived": len(request.json), "itemsAccepted": len(request.json), "errors": []})

    azure.server.route("GET", azure.root + COMPONENT, component)
    azure.server.route("PUT", f"{azure.root}{COMPONENT}/Annotations", lambda *_: Answer(200, []))
    azure.server.route("POST", "/v2.1/track", track)
    return taken


def finished(place, version="1.1"):
    """Deploy to the end, as the command does; give the rollout's id, its events and what was said of it."""
    rollouts = place.rollouts()
    before = len(place.azure.server.exchanges), len(place.said.getvalue())
    with rollouts.lease() as lease:
        plan = rollouts.plan(place.release(version), steps=(100,), approval="")
        engine = rollouts.engine(lease, plan.rollout)
        state = engine.start(plan)
        asked_before = before[0]
        rollouts.result("deploy", state, engine, 1.0)
    assert state.outcome == "deployed", place.said.getvalue()
    events = rollouts.ledger.events(plan.rollout)
    return plan.rollout, events, place.said.getvalue()[before[1] :], place.azure.server.exchanges[asked_before:]


def test_the_trace_is_in_every_line_event_and_request_and_the_secret_in_none(place, azure, insights):
    """In the Resource Manager, Key Vault, Entra, GitHub, Application Insights and the command's own environment.

    The vault's value is masked first, and in that one process alone: the platform has a reference.
    """
    rollout, events, said, exchanges = finished(place.begin())
    trace = trace_id(rollout)

    lines = said[said.index(f"rollout {rollout}, trace {trace}") :].splitlines()[1:]
    unmarked = [line for line in lines if trace[:8] not in line and not line.startswith("::add-mask::")]
    assert (len(lines) > 8, unmarked) == (True, [])
    assert {event.data["trace"] for event in events} == {trace}
    first = next(n for n, one in enumerate(exchanges) if trace in one.request.headers.get("traceparent", ""))
    during = exchanges[first:]
    assert [one.request.path for one in during if trace not in one.request.headers.get("traceparent", "")] == []
    asked = " ".join(one.request.path for one in during)
    for part in ("/Microsoft.Web/", "/secrets/database-url", "/oauth2/v2.0/token", "/github/oidc/token", "/v2.1/track"):
        assert part in asked
    assert re.search(rf"TRACEPARENT=00-{trace}-[0-9a-f]{{16}}-01", place.kept.read_text())

    mine = [one for one in insights if one["tags"]["ai.operation.id"] == trace]
    (request,) = [one for one in mine if one["name"].endswith(".Request")]
    assert request["data"]["baseData"]["id"] == span_id(rollout)
    assert {"deploy_preview", "shift", "analyse bake", "integrate"} <= {one["data"]["baseData"]["name"] for one in mine}
    assert {one["iKey"] for one in mine} == {KEY}
    marks = [one.request.json for one in exchanges if one.request.path.endswith("/Annotations")]
    assert [mark["AnnotationName"] for mark in marks] == ["1.1 promoted"]
    assert f'"lockgate.rollout": "{rollout}"' in marks[0]["Properties"]

    assert f"DATABASE_URL={VALUE}\n" in place.kept.read_text()
    assert said.index(f"::add-mask::{VALUE}") < said.index("connecting to ***")
    assert VALUE not in said.replace(f"::add-mask::{VALUE}", "")
    assert VALUE not in str([event.to_dict() for event in events])
    assert place.app.production.settings["DATABASE_URL"].startswith("@Microsoft.KeyVault(SecretUri=")
    assert VALUE not in f"{place.app.production.settings}{[one.request.body for one in azure.server.exchanges]}"


@pytest.mark.parametrize(
    ("variable", "spoil", "told"),
    [
        ("nonsense", None, "names no InstrumentationKey"),
        ("", None, "the variable is not set here"),
        (None, ("/v2.1/track", Answer(206, {"itemsReceived": 9, "itemsAccepted": 1})), "took 1 of 2 spans"),
        (None, ("GET .*/components/shop$", error(403, "AuthorizationFailed", "no")), "does not allow"),
    ],
)
def test_a_trace_that_cannot_be_sent_is_said_and_stops_nothing(place, azure, insights, variable, spoil, told):
    """Whatever is wrong with the string, the resource or the endpoint; the string itself is not shown."""
    if variable is not None:
        place.config["telemetry"] = {"application_insights": "INSIGHTS"}
        place.config["environments"]["production"]["azure"].pop("application_insights")
        place.extra = {"INSIGHTS": variable}
    if spoil:
        azure.faults.refuse(*spoil)
    project = place.project()
    telemetry = Telemetry(project, project.environment("production"))
    spans = [
        Span("shift", "a" * 32, "b" * 16, "c" * 16, 1, 2, passed=True),
        Span("x", "a" * 32, "c" * 16, "", 1, 2, passed=True),
    ]
    telemetry.tracer.spans += spans
    telemetry.flush()
    said = place.said.getvalue()
    assert "could not be sent to Application Insights" in said
    assert told in said
    assert "nonsense" not in said.replace("::add-mask::nonsense", "")


def test_a_vault_that_refuses_ends_the_release_before_it_has_users(place, azure, insights):
    """The command is not run without what it needs."""
    place.begin()
    azure.faults.refuse("GET /secrets", error(403, "Forbidden", "no"), times=9)
    rollouts = place.rollouts()
    with rollouts.lease() as lease:
        plan = rollouts.plan(place.release("1.1"), steps=(100,), approval="")
        state = rollouts.engine(lease, plan.rollout).start(plan)
    assert (state.outcome, place.kept.exists()) == ("aborted", False)
    assert place.serves("1.0")

"""The Resource Manager's client: what may be sent twice, where the token may go, how operations end."""

import time
from contextlib import nullcontext

import pytest
from azure.core.exceptions import AzureError as ClientError
from azure.core.pipeline import PipelineContext, PipelineRequest
from azure.core.rest import HttpRequest

from lockgate.adapters.azure.pipeline import OnlyHost, anonymous, never_sent
from lockgate.core.azure_answers import read_error
from lockgate.errors import (
    AzureConflictError,
    AzureDeniedError,
    AzureError,
    AzureNotFoundError,
    AzureUnavailableError,
    OperationFailedError,
    OperationTimedOutError,
    UntrustedAddressError,
)
from tests.ports import free_port
from tests.standins.azure.faults import Fault, When
from tests.standins.azure.messages import Answer, error, web_conflict
from tests.standins.azure.operations import Style

pytestmark = pytest.mark.judged
API = "2023-12-01"


@pytest.fixture
def thing(azure):
    """A resource of no vendor's: GET reads it, PUT sets it, POST /turn begins an operation that counts."""
    state = {"turns": 0, "value": ""}
    path = f"{azure.root}/things/one"

    def signed(handle):
        return lambda request, match: azure.identity.authorise(request) or handle(request)

    def put(request):
        state["value"] = request.json["value"]
        return Answer(200, dict(state))

    def turn(request):
        def effect():
            state["turns"] += 1

        return azure.operations.begin(
            "turn", path, effect, style=state.get("style", Style.LOCATION), result=lambda: Answer(200, dict(state))
        )

    azure.server.route("GET", path, signed(lambda _: Answer(200, dict(state))))
    azure.server.route("PUT", path, signed(put))
    azure.server.route("POST", f"{path}/turn", signed(turn))
    azure.server.route("POST", f"{path}/ask", signed(lambda _: Answer(200, {"answer": 42})))
    state["path"] = path
    return state


def posts(azure):
    return len(azure.server.calls("POST .*/turn"))


@pytest.mark.parametrize("style", list(Style))
def test_an_operation_is_waited_for(azure, arm, thing, style):
    """Whichever way it says where to ask."""
    thing["style"] = style
    azure.operations.plan("turn", seconds=0.1)
    arm.change("POST", f"{thing['path']}/turn", API, timeout=60)
    assert thing["turns"] == 1


@pytest.mark.parametrize("retry_after", [None, 0, 1])
@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_post_is_never_sent_twice(azure, arm, thing, status, retry_after):
    """After a gateway's error nobody knows what happened: the error says so, and one POST was sent."""
    azure.faults.status("POST .*/turn", status, when=When.AFTER, retry_after=retry_after)
    with pytest.raises(AzureUnavailableError) as caught:
        arm.change("POST", f"{thing['path']}/turn", API, timeout=60)
    assert posts(azure) == 1
    assert not caught.value.certain


def test_a_lost_answer_is_not_sent_again(azure, arm, thing):
    """The operation goes on in Azure; we say that we do not know."""
    azure.faults.lose("POST .*/turn")
    with pytest.raises(AzureUnavailableError) as caught:
        arm.change("POST", f"{thing['path']}/turn", API, timeout=60)
    assert posts(azure) == 1
    assert not caught.value.certain


def test_a_throttled_post_was_not_accepted(azure, arm, thing):
    """429 is said before anything happens; it is not repeated either, and the error is certain."""
    azure.faults.throttle("POST .*/turn", retry_after=1)
    with pytest.raises(AzureUnavailableError) as caught:
        arm.change("POST", f"{thing['path']}/turn", API, timeout=60)
    assert (posts(azure), caught.value.certain, caught.value.status) == (1, True, 429)


def test_a_post_that_only_asks_is_repeated(azure, arm, thing):
    """The caller says which those are."""
    azure.faults.status("POST .*/ask", 503, times=2)
    assert arm.send("POST", f"{thing['path']}/ask", API, repeatable=True).body == {"answer": 42}


@pytest.mark.parametrize("retry_after", [None, 1])
def test_throttling_is_sat_out(azure, arm, thing, retry_after):
    """More often than the three times that Azure's own clients bear."""
    azure.faults.throttle("GET .*/one", times=6, retry_after=retry_after)
    assert arm.get(thing["path"], API)["turns"] == 0


@pytest.mark.parametrize(("retry_after", "calls", "waited"), [(900, 1, 0), (61, 1, 0), (50, 4, 150)])
def test_throttling_that_lasts_is_given_up(azure, arm, thing, clock, retry_after, calls, waited):
    """With Azure's last answer, so that whoever called decides: a rollback is not asleep for a quarter of an hour."""
    azure.faults.throttle("PUT .*/one", times=20, retry_after=retry_after)
    with pytest.raises(AzureUnavailableError) as caught:
        arm.send("PUT", thing["path"], API, {"value": "x"})
    assert (caught.value.status, caught.value.certain) == (429, True)
    assert (len(azure.server.calls("PUT .*/one")), sum(clock.waits)) == (calls, waited)


def test_a_wait_that_is_nonsense_is_chosen_by_ourselves(azure, arm, thing):
    """A Retry-After that is neither a number nor a date."""
    azure.faults.add(Fault("GET .*/one", Answer(503, None, {"Retry-After": "soon"}), times=2))
    assert arm.get(thing["path"], API)["turns"] == 0


def test_setting_a_thing_is_repeated(azure, arm, thing):
    """PUT twice is PUT once, also when the first answer was lost after its effect."""
    azure.faults.lose("PUT .*/one")
    azure.faults.status("PUT .*/one", 502, when=When.AFTER)
    assert arm.send("PUT", thing["path"], API, {"value": "x"}).body["value"] == "x"


@pytest.mark.parametrize(
    ("first", "certain"),
    [
        (lambda faults, call: faults.status(call, 502, when=When.AFTER), False),
        (lambda faults, call: faults.lose(call), False),
        (lambda faults, call: faults.throttle(call), True),
    ],
    ids=["502", "lost", "throttled"],
)
def test_a_refusal_of_the_second_try_says_nothing_of_the_first(azure, arm, thing, first, certain):
    """The first may have been accepted, unless it was throttled: then the refusal is all that happened."""
    first(azure.faults, "PUT .*/one")
    azure.faults.refuse("PUT .*/one", error(409, "OperationInProgress", "An operation is in progress."))
    with pytest.raises(AzureConflictError) as caught:
        arm.send("PUT", thing["path"], API, {"value": "x"})
    assert caught.value.certain is certain
    assert len(azure.server.calls("PUT .*/one")) == 2


@pytest.mark.parametrize("style", list(Style))
def test_the_token_does_not_follow_to_a_foreign_host(azure, arm, thing, style):
    """An address to poll on another host is refused before anything is sent there."""
    thing["style"] = style
    azure.operations.plan("turn", foreign=True)
    with pytest.raises(UntrustedAddressError):
        arm.change("POST", f"{thing['path']}/turn", API, timeout=60)
    assert all("localhost" not in one.request.url for one in azure.server.exchanges)


@pytest.mark.parametrize(
    ("base", "asked", "sent"),
    [
        ("https://management.azure.com", "https://management.azure.com:443/x", True),
        ("https://management.azure.com:443", "https://MANAGEMENT.azure.com/x", True),
        ("https://[::1]", "https://[::1]:443/x", True),
        ("https://management.azure.com", "https://management.azure.com:8443/x", False),
        ("https://management.azure.com", "https://management.azure.com:80/x", False),
        ("https://management.azure.com", "http://management.azure.com:443/x", False),
        ("https://management.azure.com", "https://management.azure.com.example:443/x", False),
        ("https://management.azure.com", "https://somebody@management.azure.com/x", False),
    ],
)
def test_a_host_is_the_same_with_its_own_port_named(base, asked, sent):
    """Azure may name it in an address to poll; any other port, scheme or user is another place."""
    request = PipelineRequest(HttpRequest("GET", asked), PipelineContext(None))
    with nullcontext() if sent else pytest.raises(UntrustedAddressError):
        OnlyHost(base).on_request(request)


def test_redirects_are_not_followed(azure, arm, thing):
    """The token would go with them."""
    azure.faults.refuse("GET .*/one", Answer(307, None, {"Location": f"{azure.server.foreign_url}/x"}))
    with pytest.raises(AzureUnavailableError, match="is not Azure"):
        arm.get(thing["path"], API)
    assert all("localhost" not in one.request.url for one in azure.server.exchanges)


def test_pages_stay_on_the_host(azure, arm, thing):
    """`nextLink` is an address like any other."""
    azure.faults.refuse("GET .*/one", Answer(200, {"value": [1], "nextLink": f"{azure.url}{thing['path']}"}))
    azure.faults.refuse("GET .*/one", Answer(200, {"value": [2]}))
    assert arm.pages(thing["path"], API) == [1, 2]
    azure.faults.refuse("GET .*/one", Answer(200, {"value": [1], "nextLink": f"{azure.server.foreign_url}/x"}))
    with pytest.raises(UntrustedAddressError):
        arm.pages(thing["path"], API)


@pytest.mark.parametrize("style", list(Style))
def test_an_operation_that_fails_at_its_end_is_told_with_its_cause(azure, arm, thing, style):
    """A status of 200 whose body says Failed is a failure."""
    thing["style"] = style
    azure.operations.plan("turn", failure=error(400, "SlotStartFailed", "worker process could not be started"))
    with pytest.raises(OperationFailedError) as caught:
        arm.change("POST", f"{thing['path']}/turn", API, timeout=60)
    assert "worker process could not be started" in caught.value.why
    assert (thing["turns"], caught.value.certain) == (0, False)


@pytest.mark.parametrize("style", list(Style))
@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (error(400, "BadRequest", "no such operation"), OperationFailedError),
        (error(401, "InvalidAuthenticationToken", "The access token is invalid."), AzureDeniedError),
        (error(403, "AuthorizationFailed", "It may not read operations."), AzureDeniedError),
        (error(404, "NotFound", "No such operation."), OperationFailedError),
        (web_conflict(), OperationFailedError),
        (error(503, "ServiceUnavailable", "Try again later."), AzureUnavailableError),
    ],
    ids=["400", "401", "403", "404", "409", "503"],
)
def test_a_refused_poll_says_nothing_of_the_operation(azure, arm, thing, style, answer, kind):
    """Whatever the question is answered, what was accepted goes on: the error says that its effect is not known."""
    thing["style"] = style
    azure.operations.plan("turn", seconds=0.05)
    azure.faults.refuse("GET .*/operation(results|Statuses)/", answer, times=20)
    with pytest.raises(AzureError) as caught:
        arm.change("POST", f"{thing['path']}/turn", API, timeout=60)
    assert (type(caught.value), caught.value.certain) == (kind, False)
    assert read_error(answer.body).message in caught.value.why
    azure.operations.unstick()
    assert (posts(azure), thing["turns"]) == (1, 1)


def test_a_resource_that_cannot_be_read_while_it_changes_is_not_known_to_be_as_before(azure, arm, thing):
    """Accepted with 200 and still changing by itself: a refused question leaves it open, too."""
    azure.faults.refuse("PUT .*/one", Answer(200, {"properties": {"provisioningState": "Updating"}}))
    azure.faults.refuse("GET .*/one", error(403, "AuthorizationFailed", "not any more"))
    with pytest.raises(AzureDeniedError) as caught:
        arm.change("PUT", thing["path"], API, {"value": "x"}, timeout=60)
    assert not caught.value.certain


def test_noise_instead_of_an_answer_is_no_call_that_was_never_sent(azure, arm, thing):
    """The libraries below call a TLS alert a failed request, and the call was accepted."""
    azure.faults.add(Fault("POST .*/turn", when=When.AFTER, garbled=True))
    with pytest.raises(AzureUnavailableError) as caught:
        arm.change("POST", f"{thing['path']}/turn", API, timeout=60)
    assert (posts(azure), caught.value.certain) == (1, False)


def test_a_connection_that_was_never_made_is_certain(azure, clock):
    """Nobody listens, or somebody whose certificate nobody vouches for: nothing was sent."""
    nobody = f"https://127.0.0.1:{free_port()}"
    for address in (nobody, azure.url):
        client = anonymous(address, clock, "")
        with pytest.raises(ClientError) as caught:
            client.send_request(HttpRequest("POST", f"{address}/turn"))
        assert never_sent(caught.value)


def test_an_operation_that_never_ends_is_given_up(azure, arm, thing):
    """By the deadline; what became of it is unknown."""
    azure.operations.plan("turn", stuck=True)
    with pytest.raises(OperationTimedOutError) as caught:
        arm.change("POST", f"{thing['path']}/turn", API, timeout=0.3)
    assert not caught.value.certain


def test_polls_bear_throttling(azure, arm, thing):
    """An operation is not given up because a poll was refused a few times."""
    azure.faults.throttle("GET .*/operationresults", times=5, retry_after=1)
    arm.change("POST", f"{thing['path']}/turn", API, timeout=60)
    assert thing["turns"] == 1


def test_a_wait_can_be_interrupted(azure, arm, thing, clock):
    """The wait is the clock's: whoever holds it ends it."""
    azure.operations.plan("turn", stuck=True)

    def interrupted(_):
        raise KeyboardInterrupt

    clock.sleep = interrupted
    with pytest.raises(KeyboardInterrupt):
        arm.change("POST", f"{thing['path']}/turn", API, timeout=60)


def test_a_legacy_conflict_is_read(azure, arm, thing):
    """Microsoft.Web answers conflicts in a form of its own; its message arrives."""
    azure.faults.refuse("POST .*/turn", web_conflict())
    with pytest.raises(AzureConflictError) as caught:
        arm.change("POST", f"{thing['path']}/turn", API, timeout=60)
    assert "another operation is in progress" in caught.value.why
    assert caught.value.certain


def test_a_revoked_role_and_a_missing_resource_are_told_apart(azure, arm, thing):
    """Denied is not missing."""
    with pytest.raises(AzureNotFoundError):
        arm.get(f"{azure.root}/things/two", API)
    azure.application.revoked = True
    with pytest.raises(AzureDeniedError) as caught:
        arm.get(thing["path"], API)
    assert "role" in caught.value.fix


def test_an_expired_token_is_replaced(azure, arm, thing):
    """In the middle of a long job."""
    azure.identity.token_seconds = 1
    arm.get(thing["path"], API)
    time.sleep(1.1)
    azure.identity.token_seconds = 3600
    assert arm.get(thing["path"], API)["turns"] == 0
    assert len(azure.identity.assertions) == 2

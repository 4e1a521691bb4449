"""The Azure Resource Manager: plain calls and long-running ones, over azure-mgmt-core's pipeline.

The token goes to the configured host and nowhere else: an address to poll that names another one is refused.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from lockgate.adapters.azure.arm_errors import garbled, lost, refused, timed_out, unanswered, unfinished
from lockgate.adapters.azure.identity import Credential
from lockgate.adapters.clock import Clock
from lockgate.adapters.tracing import headers
from lockgate.core.azure_answers import ACCEPTED, Standing, provisioning, standing
from lockgate.core.azure_cloud import CloudConfig
from lockgate.errors import AzureError, UntrustedAddressError

_POLL_SECONDS = 0.5
"""Until the first poll where Azure names no time; what takes long is asked about less often."""
_SLOWER = 1.5
_LONGEST_PAUSE = 30.0
_ERROR = 400
_PAGES = 1000


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer that is no error."""

    status: int
    headers: Mapping[str, str]
    body: Any
    method: str
    url: str


class Arm:
    """One signed-in client. `calls` counts what was sent, tries again not included."""

    def __init__(
        self,
        credential: Credential,
        cloud: CloudConfig,
        clock: Clock,
        *,
        ca: str = "",
        trace: Callable[[], Mapping[str, str]] = headers,
        pause: float = _POLL_SECONDS,
    ) -> None:
        from azure.mgmt.core import ARMPipelineClient  # noqa: PLC0415 - a quarter of a second

        from lockgate.adapters.azure.pipeline import policies  # noqa: PLC0415
        from lockgate.adapters.azure.transport import Transport  # noqa: PLC0415

        self._base = cloud.resource_manager.rstrip("/")
        self._clock = clock
        self._pause = pause
        self._client: ARMPipelineClient[Any, Any] = ARMPipelineClient(
            base_url=self._base,
            policies=policies(credential, cloud.scope, trace, self._base),
            transport=Transport(clock, ca),
        )
        self.calls = 0

    def get(self, path: str, api: str) -> Any:
        """Read a resource; raise AzureNotFoundError and the other AzureErrors."""
        return self._document(self.send("GET", path, api))

    def ask(self, path: str, api: str) -> Any:
        """Read what Azure gives by a POST that only asks; raise AzureErrors."""
        return self._document(self.send("POST", path, api, repeatable=True))

    def pages(self, path: str, api: str) -> list[Any]:
        """Read a list to its end, following `nextLink` on the same host only."""
        found: list[Any] = []
        body = self.get(path, api)
        for _ in range(_PAGES):
            found += body.get("value") or []
            if not (following := body.get("nextLink")):
                return found
            body = self._document(self._call("GET", following))
        raise UntrustedAddressError(f"{path} has more than {_PAGES} pages.")

    def send(self, method: str, path: str, api: str, body: Any = None, *, repeatable: bool = False) -> Reply:
        """Make one call; `repeatable` says of a POST that it only asks. Raise AzureError.

        Whether the error's effect may have happened all the same is in `AzureError.certain`.
        """
        url = f"{self._base}{path}?{urlencode({'api-version': api})}"
        return self._call(method, url, body, repeatable=repeatable)

    def change(self, method: str, path: str, api: str, body: Any = None, *, timeout: float) -> None:
        """Make a call and wait for what it began to end. Raise AzureError."""
        self.wait(self.send(method, path, api, body), timeout=timeout)

    def wait(self, reply: Reply, *, timeout: float) -> None:
        """Poll until an accepted operation has ended. What the resource is like then, whoever cares reads.

        Raises OperationFailedError, OperationTimedOutError, UntrustedAddressError, and what a poll was answered: none
        of them certain. The wait is the clock's, so that whoever holds the clock can end it.
        """
        deadline = self._clock.monotonic() + timeout
        headers = reply.headers
        status_url = headers.get("azure-asyncoperation", "")
        if not status_url and reply.status != ACCEPTED:
            return self._provisioned(reply, deadline)
        url, pause = status_url or headers.get("location", ""), self._pause
        while url:
            pause = self._sleep(headers, deadline, reply, pause)
            polled = self._ask(reply, url)
            headers = polled.headers
            match standing(polled.status, polled.body, polling_status=bool(status_url)):
                case Standing.FAILED:
                    raise unfinished(reply.method, reply.url, polled.body)
                case Standing.DONE:
                    return None
                case Standing.RUNNING:
                    url = url if status_url else headers.get("location", url)
        return None

    def close(self) -> None:
        """Let the connections go."""
        self._client.close()

    def _document(self, reply: Reply) -> Any:
        if not isinstance(reply.body, Mapping):
            raise garbled(reply.method, reply.url, str(reply.body or ""), certain=True)
        return reply.body

    def _provisioned(self, reply: Reply, deadline: float) -> None:
        body, headers, pause = reply.body, reply.headers, self._pause
        while provisioning(body) is Standing.RUNNING:
            pause = self._sleep(headers, deadline, reply, pause)
            polled = self._ask(reply, reply.url)
            body, headers = polled.body, polled.headers
        if provisioning(body) is Standing.FAILED:
            raise unfinished(reply.method, reply.url, body)

    def _ask(self, reply: Reply, url: str) -> Reply:
        """Ask what became of an accepted call. Whatever goes wrong with the question, the call's effect is unknown."""
        try:
            return self._call("GET", url)
        except AzureError as error:
            raise unanswered(reply.method, reply.url, error) from error

    def _sleep(self, headers: Mapping[str, str], deadline: float, reply: Reply, pause: float) -> float:
        left = deadline - self._clock.monotonic()
        if left <= 0:
            raise timed_out(reply.method, reply.url)
        asked = headers.get("retry-after", "")
        wanted = float(asked) if asked.isdecimal() else 0.0
        self._clock.sleep(min(wanted or pause, left, _LONGEST_PAUSE))
        return pause * _SLOWER

    def _call(self, method: str, url: str, body: Any = None, *, repeatable: bool = False) -> Reply:
        from azure.core.exceptions import AzureError as ClientError  # noqa: PLC0415
        from azure.core.rest import HttpRequest  # noqa: PLC0415

        from lockgate.adapters.azure.pipeline import never_sent, without_effect  # noqa: PLC0415

        asks = repeatable or method == "GET"
        tries: list[Any] = []
        self.calls += 1
        try:
            request = HttpRequest(method, url, json=body)
            answer = self._client.send_request(request, repeatable=repeatable, tries=tries)
        except ClientError as error:
            certain = asks or (never_sent(error) and without_effect(tries))
            raise lost(method, url, str(error), certain=certain) from error
        content = _body(answer)
        if answer.status_code >= _ERROR:
            # What is refused now may be the echo of an earlier try that was accepted, and whose answer was lost.
            again = not asks and not without_effect(tries)
            raise refused(method, url, answer.status_code, content, asks=asks, again=again)
        if isinstance(content, str):
            raise garbled(method, url, content, certain=asks)
        headers = {name.lower(): value for name, value in answer.headers.items()}
        return Reply(answer.status_code, headers, content, method, url)


def _body(answer: Any) -> Any:
    if not answer.content:
        return None
    try:
        return answer.json()
    except ValueError:
        return str(answer.text())[:1000]

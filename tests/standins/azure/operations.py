"""Long-running operations as the Resource Manager has them: 202, a URL to poll, an end that may be a failure."""

import re
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from tests.standins.azure.identity import Identity
from tests.standins.azure.messages import Answer, Request, error
from tests.standins.azure.server import StandInServer

_API = "api-version=2023-12-01"


class Style(StrEnum):
    """How an accepted call says where to poll."""

    LOCATION = "location"
    ASYNC = "async"
    BOTH = "both"


@dataclass(slots=True)
class Plans:
    """How the next operations go; what a test sets before it acts."""

    seconds: float = 0.0
    """How long one takes. Its effect comes at its end, whether anybody polls or not."""
    stuck: bool = False
    """Never ends."""
    failure: Answer | None = None
    """Ends so, without its effect."""
    foreign: bool = False
    """The URL to poll names another host."""
    retry_after: float | None = None


@dataclass(slots=True)
class Operation:
    """One that was accepted."""

    id: str
    poll: str
    """Path to poll, without the query."""
    due: float
    effect: Callable[[], object]
    failure: Answer | None
    started: datetime
    result: Callable[[], Answer]
    ended: bool = False
    retry_after: float | None = None
    polls: int = 0


@dataclass(slots=True)
class Operations:
    """The operations of all services."""

    server: StandInServer
    identity: Identity
    plans: dict[str, Plans] = field(default_factory=dict)
    """Plan by kind, such as "swap"; "" is everybody's default."""
    following: Plans | None = None
    """How the very next operation goes, of whatever kind."""
    now: Callable[[], float] = time.monotonic
    """Another clock than the machine's makes effects come when somebody looks: see `settle_due`."""
    all: dict[str, Operation] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _timers: list[threading.Timer] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Answer polls."""
        self.server.route("GET", "/.*/operationresults/([^/]+)", self._result)
        self.server.route("GET", "/.*/operationstatuses/([^/]+)", self._status)

    def plan(self, kind: str = "", **given: object) -> Plans:
        """Say how the next operations of a kind go, until said otherwise."""
        self.plans[kind] = Plans(**given)  # type: ignore[arg-type]
        return self.plans[kind]

    def begin(
        self,
        kind: str,
        resource: str,
        effect: Callable[[], object],
        *,
        style: Style = Style.LOCATION,
        result: Callable[[], Answer] = Answer,
        body: object = None,
    ) -> Answer:
        """Accept a call on a resource's path; the effect comes when its time is over. `result` is what polls give."""
        plan = self.following or self.plans.get(kind) or self.plans.get("") or Plans()
        self.following = None
        name = str(uuid.uuid4())
        due = float("inf") if plan.stuck else self.now() + plan.seconds
        operation = Operation(name, resource, due, effect, plan.failure, datetime.now(UTC), result)
        operation.retry_after = plan.retry_after
        with self._lock:
            self.all[name] = operation
        if not plan.stuck and self.now is time.monotonic:
            timer = threading.Timer(plan.seconds, self._settle, [operation])
            timer.daemon = True
            self._timers.append(timer)
            timer.start()
        base = self.server.foreign_url if plan.foreign else self.server.url
        headers = {}
        if style is not Style.ASYNC:
            headers["Location"] = f"{base}{resource}/operationresults/{name}?{_API}"
        if style is not Style.LOCATION:
            headers["Azure-AsyncOperation"] = f"{base}{resource}/operationStatuses/{name}?{_API}"
        return Answer(202, body, headers)

    def busy(self, resource: str) -> bool:
        """Whether an operation on this resource has not ended."""
        with self._lock:
            return any(not one.ended and one.poll == resource for one in self.all.values())

    def unstick(self) -> None:
        """Let every operation that is stuck end now."""
        for operation in list(self.all.values()):
            operation.due = 0.0
            self._settle(operation)

    def settle_due(self) -> None:
        """Let every effect come whose time is over."""
        for operation in list(self.all.values()):
            self._settle(operation)

    def close(self) -> None:
        """Forget what has not ended."""
        for timer in self._timers:
            timer.cancel()

    def _settle(self, operation: Operation) -> None:
        with self._lock:
            if operation.ended or operation.due > self.now() + 0.001:
                return
            if operation.failure is None:
                operation.effect()
            operation.ended = True

    def _find(self, request: Request, match: re.Match[str]) -> Operation | Answer:
        if refused := self.identity.authorise(request):
            return refused
        operation = self.all.get(match[1])
        if operation is None:
            return error(404, "NotFound", f"No operation {match[1]}.")
        operation.polls += 1
        self._settle(operation)
        return operation

    def _result(self, request: Request, match: re.Match[str]) -> Answer:
        found = self._find(request, match)
        if isinstance(found, Answer):
            return found
        if not found.ended:
            wait = {} if found.retry_after is None else {"Retry-After": f"{found.retry_after:g}"}
            return Answer(202, None, {"Location": request.url, **wait})
        return found.failure or found.result()

    def _status(self, request: Request, match: re.Match[str]) -> Answer:
        found = self._find(request, match)
        if isinstance(found, Answer):
            return found
        body: dict[str, object] = {"id": request.path, "name": found.id, "status": "InProgress"}
        body["startTime"] = found.started.isoformat()
        if found.ended and found.failure is not None:
            body |= {"status": "Failed", "error": found.failure.body["error"]}
        elif found.ended:
            body |= {"status": "Succeeded", "endTime": datetime.now(UTC).isoformat()}
        wait = {} if found.retry_after is None else {"Retry-After": f"{found.retry_after:g}"}
        return Answer(200, body, wait)

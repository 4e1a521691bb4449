"""What goes over the wire: a request as a service sees it, an answer, and the record of both."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True, slots=True)
class Request:
    """One request."""

    method: str
    url: str
    """With scheme, host and query."""
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes

    @property
    def path(self) -> str:
        """The path, without the query."""
        return urlsplit(self.url).path

    @property
    def query(self) -> dict[str, str]:
        """The query's parameters; of several with one name, the first."""
        return {name: values[0] for name, values in parse_qs(urlsplit(self.url).query).items()}

    @property
    def form(self) -> dict[str, str]:
        """The body as a form."""
        return {name: values[0] for name, values in parse_qs(self.body.decode()).items()}

    @property
    def json(self) -> Any:
        """The body as JSON, or None."""
        try:
            return json.loads(self.body) if self.body else None
        except ValueError:
            return None


@dataclass(slots=True)
class Answer:
    """One answer: JSON, or bytes as they are."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def content(self) -> bytes:
        """The body on the wire."""
        if self.body is None:
            return b""
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request and what came of it."""

    request: Request
    answer: Answer | None
    """None where it was lost on the way back."""

    def to_record(self) -> dict[str, Any]:
        """The form that the judges of ../shared/contracts take."""
        answer = self.answer or Answer(0)
        body = answer.body if not isinstance(answer.body, bytes) else None
        return {
            "method": self.request.method,
            "url": self.request.url,
            "req_headers": dict(self.request.headers),
            "req": self.request.json,
            "status": answer.status,
            "headers": dict(answer.headers),
            "resp": body,
        }


def error(status: int, code: str, message: str, **headers: str) -> Answer:
    """Give an error in the form of the Azure Resource Manager."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, {"error": {"code": code, "message": message}}, named)


def web_conflict(operation: str = "SwapSiteSlots") -> Answer:
    """Give a conflict as Microsoft.Web really answers: in a form of its own, which no API description knows.

    Reported in Azure/azure-functions-on-container-apps#53 and microsoft/azure-pipelines-tasks#11384.
    """
    text = (
        "Cannot modify this site because another operation is in progress. Details: Id: "
        f"0f4e6c1c-2f6d-4b2a-9f0e-6a0f1f6f4c55, OperationName: {operation}, CreatedTime: 11/25/2026 10:00:00"
    )
    details = [{"Message": text}, {"Code": "Conflict"}, {"ErrorEntity": {"Code": "Conflict", "Message": text}}]
    body = {"Code": "Conflict", "Message": text, "Target": None, "Details": details, "Innererror": None}
    return Answer(409, body)

"""Decide whether one HTTP answer is good, and say what was seen where it is not."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from lockgate.core.config import ProbeConfig, VersionConfig
from lockgate.core.redaction import printable, shorten
from lockgate.core.samples import Fault, Role, Sample

BODY_SHOWN = 160
_MISSING = object()


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back from one question: an answer, or `error` and the time it took to know."""

    latency: float
    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    """Names in lower case."""
    body: bytes = b""
    error: str = ""

    @property
    def seen(self) -> str:
        """What a person needs to see of it."""
        if self.error:
            return f"no answer after {self.latency * 1000:.0f} ms: {printable(self.error)}"
        body = shorten(printable(self.body.decode(errors="replace")).strip(), BODY_SHOWN)
        return f"status {self.status} after {self.latency * 1000:.0f} ms: {body}"


def version_of(answer: Answer, where: VersionConfig) -> str | None:
    """Give the version an answer names; None where it names none, or nobody said where to look."""
    if where.header and not answer.error:
        return answer.headers.get(where.header.lower())
    if where.json and not answer.error:
        found = _find(_parse(answer.body), where.json)
        return None if found is _MISSING else str(found)
    return None


def fault_of(answer: Answer, probe: ProbeConfig) -> tuple[Fault, str] | None:
    """Give how an answer is bad, apart from its speed and its version; None where it is good."""
    if answer.error:
        return Fault.NO_ANSWER, answer.seen
    if answer.status != probe.status:
        return Fault.ERROR_STATUS, f"expected status {probe.status}; {answer.seen}"
    return _json_fault(answer, probe) if probe.json else None


def samples(
    answer: Answer, probe: ProbeConfig, *, role: Role, t: float, budget: float, wrong_version: str = ""
) -> Iterator[Sample]:
    """Turn an answer into one sample for each indicator; a bad answer says nothing about speed."""
    found = (Fault.WRONG_ANSWER, f"{wrong_version}; {answer.seen}") if wrong_version else fault_of(answer, probe)
    if found:
        fault, detail = found
        yield Sample(t, role, "availability", good=False, fault=fault, detail=f"GET {probe.path}: {detail}")
        return
    yield Sample(t, role, "availability", good=True, latency=answer.latency)
    if answer.latency <= budget:
        yield Sample(t, role, "latency", good=True)
    else:
        detail = f"GET {probe.path}: slower than {budget * 1000:.0f} ms; {answer.seen}"
        yield Sample(t, role, "latency", good=False, fault=Fault.TOO_SLOW, detail=detail)


def _json_fault(answer: Answer, probe: ProbeConfig) -> tuple[Fault, str] | None:
    document = _parse(answer.body)
    if document is _MISSING:
        kind = printable(answer.headers.get("content-type", "no content type"))
        return Fault.WRONG_ANSWER, f"expected JSON, got {kind}; {answer.seen}"
    for path, expected in probe.json.items():
        found = _find(document, path)
        if found is _MISSING:
            return Fault.WRONG_ANSWER, f'the JSON has no "{path}"; {answer.seen}'
        if found != expected or isinstance(found, bool) != isinstance(expected, bool):
            return Fault.WRONG_ANSWER, f"{path} is {json.dumps(found)}, expected {json.dumps(expected)}; {answer.seen}"
    return None


def _parse(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return _MISSING


def _find(document: Any, path: str) -> Any:
    for key in path.split("."):
        if isinstance(document, dict) and key in document:
            document = document[key]
        elif isinstance(document, list) and key.isdigit() and int(key) < len(document):
            document = document[int(key)]
        else:
            return _MISSING
    return document

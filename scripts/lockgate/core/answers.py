"""Decide whether one HTTP answer is good, and say what was seen where it is not."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lockgate.core.config import VersionConfig
from lockgate.core.outcome import SHOWN, Mark, Outcome
from lockgate.core.patterns import found_in, matches
from lockgate.core.probe_config import LATENCY, ProbeConfig, ProbeKind
from lockgate.core.redaction import printable, shorten
from lockgate.core.samples import Fault
from lockgate.core.security_headers import weaknesses

_HTTPS = re.compile(r"https://([^/?#:@\[\]\s]{1,253}|\[[0-9a-f:.]{2,45}\])(?::[0-9]{1,5})?(?=[/?#]|$)", re.IGNORECASE)
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MISSING = object()


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back from one question: an answer, or `error` and the time it took to know."""

    latency: float
    """Seconds from the open connection to the end of the answer: how far away the asker is, and that it opens a
    connection for each question, is not the service's doing. With an error, all of the time."""
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
        body = shorten(printable(self.body.decode(errors="replace")).strip(), SHOWN)
        return f"status {self.status} after {self.latency * 1000:.0f} ms: {body}"


def version_of(answer: Answer | Outcome, where: VersionConfig) -> str | None:
    """Give the version an answer names; None where it names none, or nobody said where to look."""
    if where.header:
        return answer.headers.get(where.header.lower())
    if where.json and answer.body:
        found = _find(_parse(answer.body), where.json)
        return None if found is _MISSING or isinstance(found, list | dict) else str(found)
    return None


def fault_of(answer: Answer, probe: ProbeConfig, host: str = "") -> tuple[Fault, str] | None:
    """Give how an answer is bad, apart from its speed and its version; None where it is good.

    `host` is the one that was asked: a redirect to https must stay on it.
    """
    if answer.error:
        return Fault.NO_ANSWER, answer.seen
    if probe.kind is ProbeKind.SECURITY_HEADERS:
        weak = "; ".join(weaknesses(answer.headers, frozenset(probe.skip)))
        return (Fault.INSECURE, f"{weak}; {answer.seen}") if weak else None
    if probe.redirect_to_https:
        return _redirect_fault(answer, host)
    if answer.status != probe.status:
        return Fault.ERROR_STATUS, f"expected status {probe.status}; {answer.seen}"
    return _header_fault(answer, probe) or _body_fault(answer, probe) or _json_fault(answer, probe)


def outcome(answer: Answer, probe: ProbeConfig, *, budget: float, host: str = "") -> Outcome:
    """Mark an answer for each indicator; a bad answer says nothing about speed."""
    asked = f"GET {probe.path}"
    found = fault_of(answer, probe, host)
    if found:
        marks = [Mark(probe.feeds, found[0], f"{asked}: {found[1]}")]
    else:
        marks = [Mark(probe.feeds, latency=answer.latency)]
        if probe.kind is ProbeKind.HTTP:
            budget = probe.response or budget
            slow = f"{asked}: slower than {budget * 1000:.0f} ms; {answer.seen}"
            marks.append(Mark(LATENCY) if answer.latency <= budget else Mark(LATENCY, Fault.TOO_SLOW, slow))
    return Outcome(marks, answer.headers, answer.body, seen=f"{asked}: {answer.seen}")


def _redirect_fault(answer: Answer, host: str) -> tuple[Fault, str] | None:
    if answer.status not in _REDIRECTS:
        return Fault.WRONG_ANSWER, f"expected a redirect to https; {answer.seen}"
    to = answer.headers.get("location", "")
    found = _HTTPS.match(to)
    right = found is not None and found[1].strip("[]").lower() == host.lower()
    shown = shorten(printable(to), SHOWN) or "nowhere"
    return None if right else (Fault.WRONG_ANSWER, f"redirects to {shown}, expected https://{host}; {answer.seen}")


def _header_fault(answer: Answer, probe: ProbeConfig) -> tuple[Fault, str] | None:
    for name, pattern in probe.headers.items():
        found = answer.headers.get(name.lower())
        if found is None:
            return Fault.WRONG_ANSWER, f"no header {name}; {answer.seen}"
        if not matches(pattern, found.strip()):
            shown = shorten(printable(found), SHOWN)
            return Fault.WRONG_ANSWER, f'{name} is "{shown}", expected "{pattern}"; {answer.seen}'
    return None


def _body_fault(answer: Answer, probe: ProbeConfig) -> tuple[Fault, str] | None:
    if not probe.body or found_in(probe.body, answer.body.decode(errors="replace")):
        return None
    return Fault.WRONG_ANSWER, f'the body does not hold "{probe.body}"; {answer.seen}'


def _json_fault(answer: Answer, probe: ProbeConfig) -> tuple[Fault, str] | None:
    if not probe.json:
        return None
    document = _parse(answer.body)
    if document is _MISSING:
        kind = shorten(printable(answer.headers.get("content-type", "no content type")), SHOWN)
        return Fault.WRONG_ANSWER, f"expected JSON, got {kind}; {answer.seen}"
    for path, expected in probe.json.items():
        found = _find(document, path)
        if found is _MISSING:
            return Fault.WRONG_ANSWER, f'the JSON has no "{path}"; {answer.seen}'
        if found != expected or isinstance(found, bool) != isinstance(expected, bool):
            return Fault.WRONG_ANSWER, f"{path} is {_shown(found)}, expected {json.dumps(expected)}; {answer.seen}"
    return None


def _shown(found: Any) -> str:
    if isinstance(found, list | dict):
        return "a list" if isinstance(found, list) else "an object"
    return shorten(printable(json.dumps(found)), SHOWN)


def _parse(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return _MISSING


def _find(document: Any, path: str) -> Any:
    for key in path.split("."):
        if isinstance(document, dict) and key in document:
            document = document[key]
        elif isinstance(document, list) and key.isdecimal() and int(key) < len(document):
            document = document[int(key)]
        else:
            return _MISSING
    return document

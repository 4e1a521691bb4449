"""What one question of a probe came to, before it is known whose it is."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from lockgate.core.redaction import printable, shorten
from lockgate.core.samples import Fault, Role, Sample

SHOWN = 160
"""Characters of what a service said that an example shows."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Good or bad, for one indicator."""

    indicator: str
    fault: Fault | None = None
    """None where it is good."""
    detail: str = ""
    latency: float | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """The marks of one question, the first for the probe's own indicator; none where nothing was learnt."""

    marks: Sequence[Mark]
    headers: Mapping[str, str] = field(default_factory=dict)
    """Where the version may be named; names in lower case."""
    body: bytes = b""
    unknown: str = ""
    """Why nothing was learnt."""
    seen: str = ""
    """What a person needs to see of it, where it turns out to be another version's."""

    def samples(self, role: Role, t: float, wrong_version: str = "") -> Iterator[Sample]:
        """Turn the marks into samples; another version's answer is a wrong one, and says nothing else."""
        if wrong_version and self.marks:
            detail = f"{wrong_version}; {self.seen}" if self.seen else wrong_version
            yield Sample(t, role, self.marks[0].indicator, good=False, fault=Fault.WRONG_ANSWER, detail=detail)
            return
        for mark in self.marks:
            yield Sample(t, role, mark.indicator, mark.fault is None, mark.fault, mark.latency, mark.detail)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a question is asked."""

    url: str
    version: str = ""
    """The version that should answer there, or "" where nobody knows."""
    cookie: str = ""
    """What a question brings along to be answered by that version, where another one answers there, too."""


class Probe(Protocol):
    """Asks one question. Whatever goes wrong is in the outcome; it ends within the probe's timeout, or soon after."""

    async def ask(self, place: Place) -> Outcome:
        """Ask once."""
        ...


def good(indicator: str, latency: float | None = None) -> Outcome:
    """Give the outcome of a question that was answered well."""
    return Outcome((Mark(indicator, latency=latency),))


def bad(indicator: str, fault: Fault, detail: str) -> Outcome:
    """Give the outcome of one that was not, with what was seen; the text may come from outside."""
    return Outcome((Mark(indicator, fault, shorten(printable(detail), 4 * SHOWN)),))


def unknown(why: str) -> Outcome:
    """Give the outcome of one that told nothing: no sample, and nobody's fault."""
    return Outcome((), unknown=shorten(printable(why), 2 * SHOWN))

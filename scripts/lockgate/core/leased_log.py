"""A ledger kept as a few small documents, each replaced as a whole and only if nobody else replaced it meanwhile.

One document is the `Head`: every lease, the end of the hash chain, and its newest events, the tail. Because all of that
is one document, an event and the check that its writer still holds the lease are one compare-and-swap: the fence is
exact. When the tail grows long, it moves on into a segment, and what is asked most often into a list for each place.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from lockgate.core.chain import BEGINNING, Chain, Link, link_hash
from lockgate.core.ledger import Lease, LedgerEvent, SpooledEvent, as_json, fence_of

VERSION = 1
_HIGHEST = 2**63
T = TypeVar("T")
Key = tuple[str, int, int]
"""What an event is known by: rollout, number, fence."""


@dataclass(frozen=True, slots=True)
class Held:
    """The lease of one place, which may have expired."""

    service: str
    environment: str
    fence: int = 0
    holder: str = ""
    claim: str = ""
    """Told apart from every other claim, so that whoever lost the answer to one finds out whether it was his."""
    expires_at: str = ""
    written: str = ""
    """The id of the last event under this fence, so that whoever lost that answer finds out too."""

    def is_held(self, now: datetime) -> bool:
        """Whether somebody has it."""
        return bool(self.expires_at) and datetime.fromisoformat(self.expires_at) > now

    def lease(self) -> Lease:
        """Give it as others know it."""
        return Lease(self.service, self.environment, self.holder, self.fence, self.expires_at)


@dataclass(frozen=True, slots=True)
class Head:
    """The document that everything hangs on."""

    chain: Chain = field(default_factory=lambda: Chain(0, BEGINNING, 0, BEGINNING))
    places: Mapping[str, Held] = field(default_factory=dict)
    segments: tuple[int, ...] = ()
    """The position that each segment begins with, the oldest first."""
    moved: int = 0
    """The position up to which events are in segments."""
    tail: tuple[Link, ...] = ()

    def place(self, service: str, environment: str) -> Held:
        """Give a place's lease, taken or not."""
        return self.places.get(name(service, environment)) or Held(service, environment)

    def claimed(self, before: Held, holder: str, claim: str, now: datetime, seconds: float) -> "Head":
        """Give the head as it is when somebody has just taken the lease."""
        fence = max(fence_of(now), before.fence + 1)
        taken = replace(before, fence=fence, holder=holder, claim=claim, expires_at=_after(now, seconds), written="")
        return self.with_place(taken)

    def extended(self, held: Held, now: datetime, seconds: float, written: str = "") -> "Head":
        """Give the head with a lease that runs from now, and the event that was written under it, if one was."""
        longer = replace(held, expires_at=_after(now, seconds)) if seconds or not written else held
        return self.with_place(replace(longer, written=written or held.written))

    def given_back(self, held: Held) -> "Head":
        """Give the head with a lease that nobody has."""
        return self.with_place(replace(held, expires_at=""))

    def with_place(self, held: Held) -> "Head":
        """Give the head with another state of one lease."""
        return replace(self, places={**self.places, name(held.service, held.environment): held})

    def with_event(self, link: Link, kept: str) -> "Head":
        """Give the head with one more event at the end of the chain; `kept` is its data as the document has it."""
        placed = replace(link, position=self.chain.position + 1)
        hashed = link_hash(self.chain.hash, placed)
        chain = replace(self.chain, position=placed.position, hash=hashed)
        return replace(self, chain=chain, tail=(*self.tail, replace(placed, data=kept, hash=hashed)))

    def moved_to(self, position: int, segment: int) -> "Head":
        """Give the head without the events that a segment has by now; unchanged where somebody else did that."""
        if position <= self.moved:
            return self
        segments = self.segments if segment in self.segments else (*self.segments, segment)
        tail = tuple(one for one in self.tail if one.position > position)
        return replace(self, moved=position, segments=segments, tail=tail)

    def forgotten(self, last: Link) -> "Head":
        """Give the head with a chain that begins after an event, and without the segments that end before it."""
        after = (*self.segments[1:], self.moved + 1)
        segments = tuple(one for one, end in zip(self.segments, after, strict=True) if end - 1 > last.position)
        return replace(self, chain=replace(self.chain, first=last.position, first_hash=last.hash), segments=segments)

    def dump(self) -> str:
        """Give the document."""
        head = {
            "version": VERSION,
            "chain": asdict(self.chain),
            "places": {key: asdict(one) for key, one in self.places.items()},
            "segments": self.segments,
            "moved": self.moved,
        }
        return f'{json.dumps(head)[:-1]}, "tail": {dump_links(self.tail)}}}\n'

    @classmethod
    def load(cls, text: str) -> "Head":
        """Read the document, which whoever may push can have edited; raise ValueError where it is none."""
        try:
            data = json.loads(text)
            if data["version"] != VERSION:
                raise ValueError(f"it is of version {data['version']}, and this Lockgate reads {VERSION}")
            places = {key: _exact(Held, one) for key, one in data["places"].items()}
            chain, moved = _exact(Chain, data["chain"]), _number(data["moved"])
            segments = tuple(map(_number, data["segments"]))
            tail = tuple(_link(one) for one in data["tail"])
        except (KeyError, TypeError, AttributeError, RecursionError) as error:
            raise ValueError(f"{type(error).__name__}: {error}") from error
        for one in places.values():
            if one.expires_at and datetime.fromisoformat(one.expires_at).tzinfo is None:
                raise ValueError(f"the time {one.expires_at} has no zone")
        return cls(chain, places, segments, moved, tail)


def name(service: str, environment: str) -> str:
    """Give what a place's documents are called. Neither part can hold what separates them, nor a slash afterwards."""
    return f"{service}.{environment.replace('/', '_')}"


def link(event: LedgerEvent, fence: int) -> Link:
    """Give an event as the chain has it, before it has a position there."""
    at = datetime.fromisoformat(event.at).astimezone(UTC).isoformat(timespec="milliseconds")
    data = as_json(dict(event.data))
    return Link(0, event.rollout, event.seq, fence, at, event.kind, event.service, event.environment, data, "")


def event(link: Link) -> LedgerEvent:
    """Give it back."""
    where = (link.rollout, link.seq, link.at, link.kind, link.service, link.environment)
    return LedgerEvent(*where, json.loads(link.data))


def spooled(link: Link) -> SpooledEvent:
    """Give it with its fence."""
    return SpooledEvent(event(link), link.fence)


def key(link: Link) -> Key:
    """Give what it is known by."""
    return link.rollout, link.seq, link.fence


def journal(links: Sequence[Link]) -> list[Link]:
    """Give a rollout's journal from all its events: where the lease was taken over, the later holder is believed."""
    believed = [one for one in links if not any(other.fence > one.fence and other.seq <= one.seq for other in links)]
    return sorted(believed, key=lambda one: one.seq)


def dump_links(links: Sequence[Link]) -> str:
    """Give events as JSON, one a line: what changes between two versions is short, for git and for people."""
    lines = ",\n".join(json.dumps({**asdict(one), "data": json.loads(one.data)}) for one in links)
    return f"[\n{lines}\n]"


def load_links(text: str) -> list[Link]:
    """Read them back; raise ValueError."""
    try:
        return [_link(one) for one in json.loads(text)]
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"{type(error).__name__}: {error}") from error


def _link(data: Mapping[str, Any]) -> Link:
    if not isinstance(data["data"], dict):
        raise TypeError("an event's data is no mapping")
    link = _exact(Link, {**data, "data": json.dumps(data["data"], separators=(",", ":"))})
    if datetime.fromisoformat(link.at).tzinfo is None:
        raise ValueError(f"the time {link.at} has no zone")
    return link


def _exact(kind: type[T], data: Mapping[str, Any]) -> T:
    """Make a record of numbers and texts, and of nothing else."""
    made = kind(**data)
    for name, wanted in kind.__annotations__.items():
        value = getattr(made, name)
        if wanted is int:
            _number(value)
        elif not isinstance(value, str):
            raise TypeError(f"{name} is no text")
        else:
            value.encode()  # half a character of two, which JSON can hold, has no hash and is kept by no database
    return made


def _number(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < _HIGHEST:
        raise TypeError("what should be a number of something is none")
    return value


def _after(now: datetime, seconds: float) -> str:
    return (now + timedelta(seconds=seconds)).isoformat()

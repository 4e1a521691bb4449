"""The hash chain over the ledger's events: each has the hash of everything before it, so a change or a gap is found.

Whoever can write every row can also write the chain anew; the last hash, kept somewhere else, finds that too.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from itertools import takewhile

BEGINNING = "0" * 64


@dataclass(frozen=True, slots=True)
class Chain:
    """Where the chain begins and ends."""

    position: int
    """Of the last event; 0 where there is none."""
    hash: str
    first: int
    """The position before the first event: 0, or up to where events were removed by the retention."""
    first_hash: str


@dataclass(frozen=True, slots=True)
class Link:
    """One event as it is kept."""

    position: int
    rollout: str
    seq: int
    fence: int
    at: str
    kind: str
    service: str
    environment: str
    data: str
    """The JSON text, as the database keeps it."""
    hash: str


def link_hash(previous: str, link: Link) -> str:
    """Give the hash of an event: SHA-256 over the hash before and every field, each with its length in bytes first."""
    parts = (
        *(str(link.position), link.rollout, str(link.seq), str(link.fence)),
        *(link.at, link.kind, link.service, link.environment, link.data),
    )
    text = previous + "".join(f"{len(part.encode())}:{part}" for part in parts)
    return sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Damage:
    """One place where the chain does not hold."""

    position: int
    what: str


def damages(chain: Chain, links: Iterable[Link], seen: tuple[int, str] = (0, BEGINNING)) -> Iterator[Damage]:
    """Yield every place where an event is missing, was changed, or was added by somebody else.

    What came after the end of the chain was read is not looked at. `seen` is a position and the hash that it had once,
    known from somewhere else: a chain that was written anew from its beginning does not go through it.
    """
    expected, previous = chain.first + 1, chain.first_hash
    yield from _other(chain.first, previous, seen)
    for link in takewhile(lambda link: link.position <= chain.position, links):
        if link.position < expected:
            yield Damage(link.position, "there twice, or out of its order")
            continue
        yield from _damage(expected, previous, link)
        yield from _other(link.position, link.hash, seen)
        expected, previous = link.position + 1, link.hash
    if expected != chain.position + 1:
        yield Damage(expected, f"missing at the end: {expected} to {chain.position}")
    elif previous != chain.hash:
        yield Damage(chain.position, "the end of the chain does not fit its last event")
    if seen[0] > chain.position:
        yield Damage(seen[0], f"missing at the end: the chain went on to {seen[0]}, and ends at {chain.position}")


def _damage(expected: int, previous: str, link: Link) -> Iterator[Damage]:
    if link.position != expected:
        missing = f"{expected}" if link.position == expected + 1 else f"{expected} to {link.position - 1}"
        yield Damage(expected, f"missing: {missing}")
    elif link_hash(previous, link) != link.hash:
        yield Damage(link.position, f"changed: {link.rollout}/{link.seq} {link.kind}")


def _other(position: int, digest: str, seen: tuple[int, str]) -> Iterator[Damage]:
    if position == seen[0] and digest != seen[1]:
        yield Damage(position, "another history: the hash here is not the one that was seen")

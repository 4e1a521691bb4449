"""An export of the ledger: JSON lines, the ends of the chain first, then every event with its place in it.

`data` stays the text that the hash is over, so that whoever has the file can check it without the ledger.
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Any

from lockgate.core.chain import Chain, Link

_HEAD = re.compile(r"([0-9]{1,18}):([0-9a-f]{64})")


def write(chain: Chain, links: Iterable[Link]) -> Iterator[str]:
    """Yield the lines of an export."""
    yield _line({"chain": asdict(chain)})
    for link in links:
        yield _line(asdict(link))


def read(lines: Iterable[str]) -> tuple[Chain, Iterator[Link]]:
    """Read an export; raise ValueError, here or on the way, where it is none."""
    every = iter(lines)
    first = _object(next(every, ""), 1)
    try:
        chain = Chain(**first["chain"])
    except (KeyError, TypeError) as error:
        raise ValueError("line 1 is not the beginning of an export") from error
    if _types(chain) != Chain.__annotations__:
        raise ValueError("line 1 is not the beginning of an export")
    return chain, _links(every)


def head(position: int, digest: str) -> str:
    """Write one place of the chain as a word that can be kept somewhere else: POSITION:HASH."""
    return f"{position}:{digest}"


def parse_head(text: str) -> tuple[int, str]:
    """Read such a word; raise ValueError."""
    found = _HEAD.fullmatch(text)
    if not found:
        raise ValueError(f'expected POSITION:HASH as `lockgate ledger verify` prints it, got "{text}"')
    return int(found[1]), found[2]


def _links(lines: Iterable[str]) -> Iterator[Link]:
    for number, text in enumerate(lines, 2):
        try:
            link = Link(**_object(text, number))
        except TypeError as error:
            raise ValueError(f"line {number} is not an event") from error
        if _types(link) != Link.__annotations__:
            raise ValueError(f"line {number} is not an event")
        yield link


def _types(value: Chain | Link) -> dict[str, type]:
    return {name: type(one) for name, one in asdict(value).items()}


def _object(text: str, number: int) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"line {number} is not JSON") from error
    if not isinstance(found, dict):
        raise ValueError(f"line {number} is not an event")  # noqa: TRY004 - what is wrong is the file
    return found


def _line(value: object) -> str:
    return json.dumps(value, separators=(",", ":")) + "\n"

"""Make a hostile document out of a good one, as a few bytes say: a program that fuzzers can vary and shrink.

The same bytes always make the same document. Structure is changed where there is one (JSON), and text everywhere, so
that a parser is reached behind its first check; one case in eight is the bytes alone.
"""

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any

DEEP: Any = None
for _ in range(900):
    DEEP = [DEEP]
NASTY = (
    None, True, False, 0, -1, 1, 2**63, 10**40, -0.0, 1.5, 1e300, float("nan"), float("inf"), "", " ", "0", "x", "²",
    "\ud800", "\udcff", "\x00", "\x1b[31mred", "::error::x", "##[group]x", "%0A::set-output name=x::y", "\u2028", "\u202e",
    "a" * 5000, "../../etc/passwd", "$(id)", "${{ secrets.X }}", "sha256:" + "0" * 64, "|", "`" * 20, "<script>", "@everyone",
    [], {}, [[]], [{}], {"": ""}, [None], ["x"], [1, "x", {}], {"x": {"x": []}}, DEEP,
)  # fmt: skip
"""Values that stand where a parser expects another."""
TOKENS = (
    b"", b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"\xc3\x28", b"9" * 5000, b"1e999", b"-", b"NaN", b"[" * 3000, b"{" * 50,
    b'"', b"\\", b"\\u0000", b"\\ud800", b"\n", b"\r", b"\t", b":", b": ", b"- ", b"#", b"&a ", b"*a", b"<<: ", b"!!python/x ",
    b"|", b">", b"---\n", b"...", b"%YAML 9", b"? ", b"<", b"</", b"/>", b"<!ENTITY x 'y'>", b"&x;", b"&#0;", b"<![CDATA[",
    b"<?xml version='1.0' encoding='utf-16'?>", b"<!--", b"]]>", b"::error::", b"##[", b"\x1b]0;", b"\xe2\x80\xa8",
    b"**/" * 40, b"[a-", b"[!", b"[^", b"{2,1}", b"(" * 200, b"\\", b"FROM ", b"${", b"$(", b"@sha256:", b"\tFATAL\t", b'err="',
)  # fmt: skip
"""Text that ends, begins or confuses something in one of the formats."""
_RAW = 32


class Program:
    """Bytes read one after another; what is beyond the end is 0."""

    def __init__(self, data: bytes) -> None:
        self._data = iter(data)
        self.left = len(data)

    def byte(self) -> int:
        self.left -= 1
        return next(self._data, 0)

    def below(self, limit: int) -> int:
        """Give a number from 0 up to, and without, the limit."""
        return (self.byte() << 8 | self.byte()) % limit if limit else 0


def document(data: bytes, seeds: tuple[bytes, ...]) -> bytes:
    """Make the document that a program stands for."""
    program = Program(data)
    if program.byte() < _RAW:
        return data[1:]
    found = seeds[program.below(len(seeds))]
    if found.lstrip()[:1] in {b"{", b"["} and program.byte() % 3:
        found = _restructured(found, program)
    while program.left > 0 and program.byte() % 4:
        found = _rewritten(found, program)
    return found


def _restructured(text: bytes, program: Program) -> bytes:
    try:
        root = json.loads(text)
    except ValueError:
        return text
    holder = [root]
    for _ in range(1 + program.byte() % 4):
        places = list(_places(holder))
        place, key = places[program.below(len(places))]
        _CHANGES[program.byte() % len(_CHANGES)](place, key, program)
        if not holder:
            return b""
    return json.dumps(holder[0]).encode(errors="surrogatepass")


def _places(node: Any) -> Iterator[tuple[Any, Any]]:
    """Every place in a document, the outermost first; a very deep value is one place."""
    if node is DEEP:
        return
    for key in range(len(node)) if isinstance(node, list) else list(node):
        yield node, key
        if isinstance(node[key], dict | list):
            yield from _places(node[key])


def _put(place: Any, key: Any, program: Program) -> None:
    place[key] = NASTY[program.byte() % len(NASTY)]
    if isinstance(place[key], dict | list) and place[key] is not DEEP:
        place[key] = copy.deepcopy(place[key])


def _wrap(place: Any, key: Any, program: Program) -> None:
    place[key] = [place[key]] if program.byte() % 2 else {"x": place[key]}


def _drop(place: Any, key: Any, program: Program) -> None:
    del place[key]


def _double(place: Any, key: Any, program: Program) -> None:
    if isinstance(place[key], list) and place[key] is not DEEP:
        place[key] = place[key] * (2 + program.byte() % 3)
    elif isinstance(place[key], str):
        place[key] += str(NASTY[program.byte() % (len(NASTY) - 1)])


_CHANGES: tuple[Callable[[Any, Any, Program], None], ...] = (_put, _put, _put, _wrap, _drop, _double)


def _rewritten(text: bytes, program: Program) -> bytes:
    at, kind = program.below(len(text) + 1), program.byte() % 4
    if kind == 0:
        return text[:at]
    token = TOKENS[program.byte() % len(TOKENS)]
    if kind == 1:
        return text[:at] + token + text[at:]
    until = min(len(text), at + program.byte())
    return text[:at] + token + text[until:] if kind == 2 else text[:until] + text[at:]

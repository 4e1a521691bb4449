"""Read YAML into plain values, knowing the line and column of each.

Works on the parser's events and builds the values itself, because that is where the limits belong: nesting, number of
values and what aliases expand to are bounded while reading, in linear time. Scalars mean what YAML 1.2 says: `yes`,
`on` and `off` are text, `5:30` is text and not 330, `010` is text and not 8, a date is text.
"""

import math
import re
from dataclasses import dataclass, field
from typing import Any

import yaml

from lockgate.core.config_problems import Path, Position, Problem

MOST_VALUES = 10_000
DEEPEST = 32
_WEIGHT = 1000
"""Characters of text that count as one value more: text repeated by aliases is bounded too."""
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})")
_FLOAT = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})?(\.[0-9]{0,17})?([eE][-+]?[0-9]{1,3})?")
_WORDS = {word: value for words, value in (
    (("", "~", "null", "Null", "NULL"), None), (("true", "True", "TRUE"), True), (("false", "False", "FALSE"), False)
) for word in words}  # fmt: skip
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class NotReadableError(Exception):
    """The text is no YAML that may be read, and where."""

    def __init__(self, message: str, position: Position | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.position = position


@dataclass(slots=True)
class Source:
    """A document and where everything in it stands."""

    document: Any
    keys: dict[Path, Position] = field(default_factory=dict)
    values: dict[Path, Position] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    """Keys that are there twice."""

    def locate(self, problem: Problem) -> Position:
        """Find the place in the file that a problem is about; for a missing key, the key that should hold it."""
        if problem.position:
            return problem.position
        path = problem.path
        if not problem.at_key and path in self.values:
            return self.values[path]
        while path:
            if path in self.keys or path in self.values:
                return self.keys.get(path) or self.values[path]
            path = path[:-1]
        return Position(1, 1)


@dataclass(slots=True)
class _Node:
    position: Position
    value: Any = None
    """A scalar's value, a list of nodes, or a dict of key -> (position of the key, node)."""
    text: str | None = None
    """A scalar as written: how it reads as a key."""
    size: int = 1
    anchor: str | None = None
    pending: "_Node | None" = None
    """A mapping's key that waits for its value."""
    twice: list[tuple[str, Position]] = field(default_factory=list)


def read(text: str) -> Source:
    """Read one YAML document; raise NotReadableError."""
    if match := _UNPRINTABLE.search(text):
        raise NotReadableError(f"the character U+{ord(match[0]):04X} may not stand in YAML", place(text, match.start()))
    root = _Builder().build(text)
    source = Source(None)
    source.document = _unfold(root, (), source)
    return source


def place(text: str, index: int) -> Position:
    """Turn an index in the text into line and column."""
    return Position(text.count("\n", 0, index) + 1, index - text.rfind("\n", 0, index))


class _Builder:
    def __init__(self) -> None:
        self._anchors: dict[str, _Node] = {}
        self._open: list[_Node] = []
        self._root: _Node | None = None
        self._seen = 0

    def build(self, text: str) -> _Node:
        try:
            for event in yaml.parse(text, Loader=_LOADER):
                self._take(event)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            position = _position(mark)
            raise NotReadableError(_explained(error, text, position), position) from error
        except (yaml.YAMLError, RecursionError) as error:
            raise NotReadableError("it is not YAML") from error
        if self._root is None or (self._root.value is None and self._root.text == ""):
            raise NotReadableError("it is empty")
        return self._root

    def _take(self, event: yaml.Event) -> None:
        position = _position(event.start_mark) or Position(1, 1)
        if getattr(event, "tag", None) is not None:
            raise NotReadableError("tags (!...) are not accepted: write plain values", position)
        if isinstance(event, yaml.DocumentStartEvent) and self._root is not None:
            raise NotReadableError("a second document starts here (---), and only one is read", position)
        if isinstance(event, yaml.AliasEvent):
            self._attach(self._aliased(event.anchor or "", position), position)
        elif isinstance(event, yaml.ScalarEvent):
            value = _scalar(event.value) if event.implicit[0] else event.value
            node = _Node(position, value, event.value, 1 + len(event.value) // _WEIGHT)
            self._remember(event.anchor, node)
            self._attach(node, position)
        elif isinstance(event, yaml.CollectionStartEvent):
            if len(self._open) >= DEEPEST:
                raise NotReadableError(f"it is nested more than {DEEPEST} deep", position)
            # Until it is complete it cannot be referred to: an alias inside would be the thing itself.
            self._anchors.pop(event.anchor or "", None)
            empty: Any = {} if isinstance(event, yaml.MappingStartEvent) else []
            self._open.append(_Node(position, empty, anchor=event.anchor))
        elif isinstance(event, yaml.CollectionEndEvent):
            node = self._open.pop()
            self._remember(node.anchor, node)
            self._attach(node, node.position)

    def _remember(self, anchor: str | None, node: _Node) -> None:
        if anchor is not None:
            self._anchors[anchor] = node

    def _aliased(self, name: str, position: Position) -> _Node:
        if name not in self._anchors:
            raise NotReadableError("an alias (*) refers to no anchor (&) that is complete before it", position)
        return self._anchors[name]

    def _attach(self, node: _Node, position: Position) -> None:
        self._seen += 1
        if not self._open:
            self._root = node
            return
        parent = self._open[-1]
        parent.size += node.size
        if parent.size > MOST_VALUES or self._seen > MOST_VALUES:
            raise NotReadableError(
                f"it holds more than {MOST_VALUES:,} values, counting what aliases expand to", position
            )
        if isinstance(parent.value, list):
            parent.value.append(node)
        elif parent.pending is None:
            if node.text is None:
                raise NotReadableError("a key must be plain text, and here is a list or a mapping", position)
            parent.pending = _Node(position, text=node.text)
        else:
            key, parent.pending = parent.pending, None
            if key.text in parent.value:
                parent.twice.append((str(key.text), key.position))
            else:
                parent.value[key.text] = (key.position, node)


def _position(mark: Any) -> Position | None:
    return Position(mark.line + 1, mark.column + 1) if mark else None


def _scalar(text: str) -> Any:
    """Give a plain scalar's value by the YAML 1.2 core schema; a number that is not plainly decimal is text."""
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text) and any(character.isdigit() for character in text.lower().partition("e")[0]):
        number = float(text)
        return number if math.isfinite(number) else text
    return text


def _unfold(node: _Node, path: Path, source: Source) -> Any:
    source.values.setdefault(path, node.position)
    if isinstance(node.value, list):
        return [_unfold(item, (*path, index), source) for index, item in enumerate(node.value)]
    if not isinstance(node.value, dict):
        return node.value
    for name, position in node.twice:
        first, _ = node.value[name]
        message = f"the key is here twice; the first is on line {first.line}"
        source.problems.append(Problem((*path, name), message, at_key=True, position=position))
    document = {}
    for name, (position, value) in node.value.items():
        source.keys[(*path, name)] = position
        document[name] = _unfold(value, (*path, name), source)
    return document


def _explained(error: yaml.MarkedYAMLError, text: str, position: Position | None) -> str:
    message = ", ".join(part for part in (error.context, error.problem) if part)
    line = text.split("\n")[position.line - 1] if position and position.line <= text.count("\n") + 1 else ""
    if "\t" in line[: len(line) - len(line.lstrip())]:
        message += "; this line is indented with a tab, and YAML takes only spaces"
    elif "mapping values are not allowed" in message:
        message += '; text that holds ": " needs quotes, and keys of one mapping the same indentation'
    elif "cannot start any token" in message:
        message += "; text that starts with a special character needs quotes"
    return message

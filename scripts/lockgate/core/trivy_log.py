"""What Trivy's log says that its report does not: the files it gave up on, and what the source hides from it.

Trivy 0.76.0 leaves a lock file that it cannot parse out of the report, exits with 0, and says so only in its debug log
(`Walk error`). A scan that did not read a file did not judge it, so these lines count. What a comment hides is in the
log alone, too. Tests run the pinned version to hold them true.
"""

import re
from dataclasses import dataclass

from lockgate.core.redaction import printable, shorten
from lockgate.core.trivy_ignores import hidden
from lockgate.core.vulnerability import Finding

_LINE = re.compile(
    r"^\S+\t(?P<level>DEBUG|INFO|WARN|ERROR|FATAL)\t(?:\[(?P<part>[^\]]*)\] )?(?P<message>[^\t]*)(?P<rest>.*)$"
)
_FIELD = r'(?:^|[\t ]){}="((?:[^"\\]|\\.)*)"'
_FILE = re.compile(_FIELD.format("file_path"))
_ERROR = re.compile(_FIELD.format("err"))
_RULE = re.compile(_FIELD.format("rule"))
_RANGE = re.compile(_FIELD.format("range"))
_LINES = re.compile(r":(\d+)(?:-\d+)?$")
_FAMILY = re.compile(_FIELD.format("family"))
_UNSUPPORTED = "Unsupported os"
_NO_SYSTEM = "none"
"""What Trivy calls the system of an image without one."""
_IGNORES = "Ignore finding"
_GAVE_UP = re.compile(r"(?i)^walk error$|failed to parse|error parsing|unable to parse")
_CHARACTERS = 300
_ABSENT = ": file does not exist"
"""Trivy looks for files that many images do not have, such as dpkg's `available`; what is not there hides nothing."""
FATAL_MARK = "\tFATAL\t"
_WRAPPING = re.compile(r"^Fatal error (?:run error: )?(?:init error: )?(?:.*error occurred: \* )?")
"""Trivy wraps a cause in the name of every layer it passed through."""


@dataclass(frozen=True, slots=True)
class Unread:
    """A file that Trivy could not read."""

    file: str
    """"" where the log does not name it."""
    why: str
    configuration: bool
    """Whether only misconfiguration was looked for in it; else packages or secrets may have been missed."""

    def __str__(self) -> str:
        return f"{self.file}: {self.why}" if self.file else self.why


def unread(line: str) -> Unread | None:
    """The file a line of the debug log gives up on, if it does."""
    match = _LINE.match(line)
    if match is None or not _GAVE_UP.search(match["message"]):
        return None
    part = match["part"] or ""
    why = _field(_ERROR, match["rest"]) or match["message"]
    if why.endswith(_ABSENT):
        return None
    return Unread(
        file=_field(_FILE, match["rest"]),
        why=f"[{part}] {why}" if part else why,
        configuration=part.endswith((" scanner", " parser")),
    )


def ignored(line: str) -> Finding | None:
    """The finding that a line of the debug log says it left out, because the source asks for that."""
    match = _LINE.match(line)
    if match is None or match["message"] != _IGNORES:
        return None
    where = _field(_RANGE, match["rest"])
    lines = _LINES.search(where)
    return hidden(
        _field(_RULE, match["rest"]), where[: lines.start()] if lines else where, int(lines[1]) if lines else 0
    )


def unsupported(line: str) -> str:
    """The distribution whose packages a line of the log says it did not look up, or ""."""
    match = _LINE.match(line)
    if match is None or match["message"] != _UNSUPPORTED:
        return ""
    family = _field(_FAMILY, match["rest"]) or "this distribution"
    return "" if family == _NO_SYSTEM else family


def fatal(log: str) -> str:
    """Why Trivy gave up: the innermost cause of its fatal error, else the end of what it printed."""
    said = " ".join(_last_words(log).split())
    return shorten(_WRAPPING.sub("", said), 2 * _CHARACTERS)


def blames_database(log: str) -> bool:
    """Whether Trivy gave up because of its vulnerability database."""
    return "DB error" in _last_words(log)


def _last_words(log: str) -> str:
    lines = [line for line in printable(log).splitlines() if line.strip()]
    last = max((number for number, line in enumerate(lines) if FATAL_MARK in line), default=None)
    if last is None:
        return " ".join(lines[-3:])
    return " ".join([lines[last].partition(FATAL_MARK)[2], *lines[last + 1 :]])


def _field(pattern: re.Pattern[str], text: str) -> str:
    match = pattern.search(text)
    return shorten(printable(match[1].replace('\\"', '"')), _CHARACTERS) if match else ""

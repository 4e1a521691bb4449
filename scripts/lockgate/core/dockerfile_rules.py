"""What in a Dockerfile is unsafe, and why: read instruction by instruction, as BuildKit does, and never run.

Source of the syntax: docs.docker.com/reference/dockerfile. An ARG before the first FROM is known by its default.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from lockgate.core.redaction import printable, shorten

LIMIT_CHARACTERS = 1_000_000
_HEREDOC = re.compile(r"<<-?(['\"]?)(\w+)\1")
_VARIABLE = re.compile(r"\$(?:(\w+)|\{(\w+)(?::?-([^}]*))?\})")
_DIGEST = re.compile(r"@sha256:[0-9a-f]{64}$")
_ROOT = {"", "root", "0"}
_SECRET = re.compile(r"(?i)\b\w*(password|passwd|secret|token|api_?key|private_?key)\w*=")
_PIPED = re.compile(r"\b(curl|wget)\b[^|;&]*\|\s*(sudo\s+)?(ba|da|z)?sh\b")
_LINKS = ("http://", "https://")
_SHOWN = 80


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction, its continued lines joined."""

    line: int
    word: str
    """In capitals."""
    rest: str


@dataclass(frozen=True, slots=True)
class Unsafe:
    """One thing to put right."""

    line: int
    rule: str
    what: str
    why: str


def instructions(text: str) -> Iterator[Instruction]:
    """Read a Dockerfile; what is no instruction is passed over, as the builder will refuse it itself."""
    waiting, began, until = "", 0, ""
    for number, raw in enumerate(text[:LIMIT_CHARACTERS].split("\n"), 1):
        line = raw.strip()
        if until:
            until = "" if line == until else until
            continue
        if not line or line.startswith("#"):
            continue
        began = began if waiting else number
        waiting = f"{waiting} {line}".strip()
        if line.endswith("\\"):
            waiting = waiting[:-1]
            continue
        word, _, rest = waiting.partition(" ")
        waiting = ""
        yield Instruction(began, word.upper(), rest.strip())
        if word.upper() in {"RUN", "COPY", "ADD"} and (heredoc := _HEREDOC.search(rest)):
            until = heredoc[2]


def bases(text: str) -> tuple[str, ...]:
    """Give the images that it is built from, each once; stages of its own and `scratch` are none."""
    return tuple(dict.fromkeys(image for _, image in _froms(text)))


def examine(text: str) -> tuple[Unsafe, ...]:
    """Find what is unsafe, in order of lines."""
    found = [*_unpinned(text), *_user(text)]
    for one in instructions(text):
        found.extend(_judge(one))
    return tuple(sorted(found, key=lambda unsafe: unsafe.line))


def _froms(text: str) -> Iterator[tuple[int, str]]:
    given: dict[str, str] = {}
    stages: set[str] = set()
    for one in instructions(text):
        if one.word == "ARG" and not stages:
            name, _, default = one.rest.partition("=")
            given[name] = default.strip("\"'")
        elif one.word == "FROM":
            words = [word for word in one.rest.split() if not word.startswith("--")] or [""]
            image = _filled(words[0], given)
            if image.lower() not in stages and image != "scratch":
                yield one.line, shorten(printable(image), 300)
            stages.add(words[-1].lower() if len(words) > 1 else f"#{one.line}")


def _filled(text: str, given: Mapping[str, str]) -> str:
    return _VARIABLE.sub(lambda found: given.get(found[1] or found[2]) or found[3] or "", text)


def _unpinned(text: str) -> Iterator[Unsafe]:
    for line, image in _froms(text):
        if not _DIGEST.search(image):
            what = f"the base image {image or '(unknown)'} is not pinned by digest"
            yield Unsafe(line, "unpinned-base", what, "A tag moves: tomorrow's build is another image. Add @sha256:...")


def _user(text: str) -> Iterator[Unsafe]:
    line, user = 0, ""
    for one in instructions(text):
        if one.word == "FROM":
            line, user = one.line, ""
        elif one.word == "USER":
            line, user = one.line, one.rest.partition(":")[0].strip()
    if line and user.lower() in _ROOT:
        what = f"the image runs as {user or 'whoever its base says, which is root unless that says otherwise'}"
        yield Unsafe(line, "root", what, "A hole in the service is then root in the container. Add USER 10001:10001.")


def _judge(one: Instruction) -> Iterator[Unsafe]:
    shown = shorten(printable(one.rest), _SHOWN)
    if one.word in {"CMD", "ENTRYPOINT"} and one.rest and not one.rest.startswith("["):
        why = "A shell stands between the engine and the service, swallows SIGTERM, and must be in the image."
        yield Unsafe(one.line, "shell-form", f"{one.word} {shown} is in shell form", f'{why} Write ["program", "arg"].')
    if one.word == "ADD" and any(link in one.rest for link in _LINKS) and "--checksum=" not in one.rest:
        why = "Whatever that address serves at build time ends up in the image. Give --checksum=sha256:..."
        yield Unsafe(one.line, "unverified-download", f"ADD {shown} fetches without a checksum", why)
    if one.word == "RUN" and _PIPED.search(one.rest):
        why = "Whoever answers runs code in the build. Download, compare with a pinned SHA-256, then run."
        yield Unsafe(one.line, "piped-download", "a download is piped into a shell", why)
    if one.word in {"ENV", "ARG"} and (named := _SECRET.search(one.rest)):
        why = "ENV and ARG stay readable in the image's history. Use RUN --mount=type=secret, or a secret at run time."
        yield Unsafe(one.line, "secret-in-image", f"{one.word} {named[0].rstrip('=')} looks like a secret", why)

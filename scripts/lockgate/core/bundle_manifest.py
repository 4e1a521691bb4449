"""What belongs in a bundle: .dockerignore patterns, names that never ship, the one order and mode of its members."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from posixpath import normpath

NEVER = frozenset({
    ".git", ".lockgate", ".venv", "__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".hypothesis",
})  # fmt: skip
"""Names of files and directories that are never part of a release, at any depth."""
FILE_MODE = 0o644
PROGRAM_MODE = 0o755
OWNER_MAY_RUN = 0o100


@dataclass(frozen=True, slots=True)
class Ignore:
    """The rules of a .dockerignore: the last one that matches a path, or a directory above it, decides."""

    rules: tuple[tuple[re.Pattern[str], bool], ...] = ()
    """Pattern, and whether it leaves out (True) or takes back in (`!`)."""

    @classmethod
    def parse(cls, text: str) -> "Ignore":
        """Read a .dockerignore; raise ValueError naming the line that is not a pattern."""
        rules = []
        for number, line in enumerate(text.removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}").splitlines(), 1):
            if line.startswith("#") or not (pattern := line.strip()):
                continue
            leaves_out = not pattern.startswith("!")
            pattern = normpath("/" + pattern.removeprefix("!").strip()).lstrip("/")
            if not pattern:
                continue
            try:
                rules.append((re.compile(_regex(pattern), re.DOTALL), leaves_out))
            except (re.error, IndexError) as error:
                raise ValueError(f'line {number}: "{line.strip()}" is not a pattern') from error
        return cls(tuple(rules))

    def leaves_out(self, path: str) -> bool:
        """Whether a path relative to the context, written with `/`, stays out."""
        parts = path.split("/")
        above = ["/".join(parts[:depth]) for depth in range(len(parts), 0, -1)]
        out = False
        for pattern, leaves_out in self.rules:
            if out != leaves_out and any(pattern.fullmatch(name) for name in above):
                out = leaves_out
        return out


def ships(path: str, ignore: Ignore) -> bool:
    """Whether a file of the context belongs in the bundle."""
    return not NEVER.intersection(path.split("/")) and not ignore.leaves_out(path)


def is_bytecode(path: str) -> bool:
    """Whether a path is Python's byte code: it holds the time of its source, so two builds would differ."""
    return "__pycache__" in path.split("/") or path.endswith((".pyc", ".pyo"))


def canonical(paths: Iterable[str]) -> list[str]:
    """Put paths in the one order of a bundle: by their bytes, so that it does not hang on the machine's locale."""
    return sorted(paths, key=lambda path: path.encode(errors="surrogateescape"))


def canonical_mode(mode: int) -> int:
    """The one mode of a file: a checkout's other bits come from somebody's umask."""
    return PROGRAM_MODE if mode & OWNER_MAY_RUN else FILE_MODE


def _regex(pattern: str) -> str:
    """Translate one pattern: Go's filepath.Match, plus `**` for any number of directories.

    Source: github.com/moby/patternmatcher, which docker, BuildKit and podman share.
    """
    regex, at = "", 0
    while at < len(pattern):
        character = pattern[at]
        if pattern.startswith("**", at):
            at += 2
            if pattern.startswith("/", at):
                at += 1
            regex += ".*" if at >= len(pattern) else "(?:.*/)?"
            continue
        if character == "*":
            regex += "[^/]*"
        elif character == "?":
            regex += "[^/]"
        elif character == "[":
            end = pattern.index("]", at + 1) if "]" in pattern[at + 1 :] else len(pattern)
            # What Go takes for itself, Python may one day read as a set inside a set.
            regex += "[" + re.sub(r"[\[&~|]|(?<=-)-", r"\\\g<0>", pattern[at + 1 : end]) + pattern[end : end + 1]
            at = end
        elif character == "\\":
            at += 1
            regex += re.escape(pattern[at])
        else:
            regex += re.escape(character)
        at += 1
    return regex

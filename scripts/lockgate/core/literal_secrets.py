"""Find secrets written into a config, where only the name of a variable may stand. No finding holds the value."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from lockgate.core.config_problems import Path, Problem


class Found(NamedTuple):
    """A secret in the text: what kind, and from where to where."""

    kind: str
    start: int
    end: int


_B = r"(?<![A-Za-z0-9_-])"  # Only at the start of a word: otherwise the search takes quadratic time on long runs.
_FORMATS = {
    "a GitHub token": re.compile(_B + r"(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,})"),
    "an AWS access key": re.compile(_B + r"(?:AKIA|ASIA)[0-9A-Z]{16}(?![0-9A-Za-z])"),
    "a private key": re.compile(r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----"),
    "a JSON Web Token": re.compile(_B + r"eyJ[\w-]{8,}\.eyJ[\w-]{8,}(?:\.[\w-]*)?"),
    "a Supabase secret key": re.compile(_B + r"sb_secret_[\w-]{10,}"),
    "a Slack token": re.compile(_B + r"xox[abeprs]-[A-Za-z0-9-]{10,}"),
    "an Azure storage key": re.compile(r"AccountKey=[A-Za-z0-9+/=]{20,}"),
    "a URL with a password": re.compile(
        # A variable in the place of the password is a reference, which is what is asked for.
        r"(?<![A-Za-z0-9+.-])[A-Za-z][A-Za-z0-9+.-]{1,20}://[^\s/:@]{0,200}:(?![$<{*])[^\s/@]{1,200}@"
    ),
}
_NAMES = re.compile(r"(?:.*[._-])?(?:password|passwd|passphrase|token|secret|key|api_?key|apikey|connection_?string)")
_LONGEST_NAME = 100
FIX = "take it out (and revoke it if it was ever pushed), and name the variable that holds it: {env: NAME}"


def in_text(text: str) -> list[Found]:
    """Find what looks like a secret anywhere in the file, comments and keys included, in the file's order."""
    found = [
        Found(kind, match.start(), match.end()) for kind, form in _FORMATS.items() for match in form.finditer(text)
    ]
    return sorted(found, key=lambda one: one.start)


def without(text: str) -> str:
    """Strike out what looks like a secret, in a text of which nobody knows what secrets it holds."""
    for form in _FORMATS.values():
        text = form.sub("***", text)
    return text


def in_document(document: Any, path: Path = ()) -> Iterator[Problem]:
    """Find values that stand where a secret's name should: under `secrets`, or under a key named like one."""
    if isinstance(document, Mapping):
        for name, value in document.items():
            here = (*path, name)
            if path == ("secrets",) and not isinstance(value, Mapping | list) and value is not None:
                yield Problem(here, f"holds a literal value: {FIX}")
            elif isinstance(value, str) and value and not value.startswith("$") and _names_a_secret(name):
                yield Problem(here, f"a key named like a secret holds a literal value: {FIX}")
            yield from in_document(value, here)
    elif isinstance(document, list):
        for index, item in enumerate(document):
            yield from in_document(item, (*path, index))


def _names_a_secret(name: str) -> bool:
    return len(name) <= _LONGEST_NAME and _NAMES.fullmatch(name.lower().replace("-", "_")) is not None

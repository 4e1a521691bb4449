"""A deployment that somebody asks the board for: what it must say, and all that is wrong with it at once."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

PLATFORMS = ("azure", "aws", "gcp")
LONGEST_BRANCH = 100
LONGEST = 200
_ENVIRONMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,199}")
_REFERENCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/+-]{0,199}")
_NO_BRANCH = re.compile(r"[\x00-\x20~^:?*\[\\\x7f]|\.\.|@\{|//|^[./-]|/$|\.$|\.lock(/|$)|/\.")
"""What git allows in no name of a branch: git-check-ref-format(1)."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for."""

    platform: str
    environment: str
    branch: str
    reference: str
    """What of the branch is to be deployed: a commit, a tag; "" for its newest commit."""

    def to_dict(self) -> dict[str, str]:
        """The JSON form."""
        return {
            "platform": self.platform,
            "environment": self.environment,
            "branch": self.branch,
            "reference": self.reference,
        }


class WantedError(ValueError):
    """A request that makes no sense: the field and what is wrong with it, for each."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{name} {text}" for name, text in problems.items()))
        self.problems = dict(problems)


def parse(body: Any) -> Wanted:
    """Read a request; raise WantedError with every problem."""
    if not isinstance(body, Mapping):
        raise WantedError({"body": 'is an object, such as {"platform": "azure", ...}'})
    names = ("platform", "environment", "branch", "reference")
    problems = {str(name)[:40]: f"is not known; there are {', '.join(names)}" for name in body if name not in names}
    values = {name: body.get(name, "" if name == "reference" else None) for name in names}
    for name, value in values.items():
        if value is None:
            problems[name] = "is missing"
        elif not isinstance(value, str):
            problems[name] = "is a text"
        elif wrong := _JUDGES[name](value):
            problems[name] = wrong
    if problems:
        raise WantedError(problems)
    return Wanted(**values)


def _platform(value: str) -> str:
    return "" if value in PLATFORMS else f"is one of {', '.join(PLATFORMS)}"


def _environment(value: str) -> str:
    return "" if _ENVIRONMENT.fullmatch(value) else "is a name such as staging, of letters, digits and ._/-"


def _branch(value: str) -> str:
    if not 1 <= len(value) <= LONGEST_BRANCH:
        return f"is 1 to {LONGEST_BRANCH} letters long"
    return "is no name that git allows" if _NO_BRANCH.search(value) or not value.isprintable() else ""


def _reference(value: str) -> str:
    fine = not value or (_REFERENCE.fullmatch(value) and ".." not in value)
    return "" if fine else f"is a commit or a tag, of at most {LONGEST} letters"


_JUDGES = {"platform": _platform, "environment": _environment, "branch": _branch, "reference": _reference}

"""Whether a GitHub environment's rules make a person approve, and whether the one who did may count.

`environment: production` alone asks nobody: GitHub creates a missing environment without any rule, and the job runs.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from lockgate.core.config import Approval

_EVERYTHING = frozenset({"*", "**", "*/*", "**/*"})
_ANSWERS = frozenset({"approved", "rejected"})


@dataclass(frozen=True, slots=True)
class Protection:
    """What the repository's settings say about one environment."""

    environment: str
    exists: bool = True
    reviewers: tuple[str, ...] = ()
    """Logins, and teams as `team NAME`."""
    prevents_self_review: bool = False
    branches: str = ""
    """`protected`, `custom`, or "" where any branch or tag may deploy."""
    names: tuple[str, ...] = ()
    """With `custom`: the names and patterns that may."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    ok: bool
    text: str
    fix: str = ""


@dataclass(frozen=True, slots=True)
class Review:
    """What one person said to a waiting run."""

    who: str
    state: str
    """`approved`, `rejected` or `pending`."""
    environments: frozenset[str] = field(default_factory=frozenset)


@dataclass(frozen=True, slots=True)
class Writers:
    """Who wrote and committed a change."""

    logins: frozenset[str] = field(default_factory=frozenset)
    unknown: tuple[str, ...] = ()
    """Commits whose author or committer has no account."""


@dataclass(frozen=True, slots=True)
class Run:
    """The run that waits for a review."""

    attempt: int = 1
    involved: frozenset[str] = field(default_factory=frozenset)
    """Who started or restarted it, and who wrote what it ships."""


@dataclass(frozen=True, slots=True)
class Reviewed:
    """What people had said of an environment when an attempt of a run began; before the first attempt, nothing."""

    attempt: int = 1
    answers: tuple[tuple[str, str], ...] = ()
    """Who, and `approved` or `rejected`."""

    def to_dict(self) -> dict[str, Any]:
        """The JSON form."""
        return {"attempt": self.attempt, "answers": [list(one) for one in self.answers]}

    @classmethod
    def from_dict(cls, data: Any) -> "Reviewed":
        """Read the JSON form; what is none says nothing, and then every attempt needs its own review."""
        attempt, answers = (data.get("attempt"), data.get("answers")) if isinstance(data, Mapping) else (0, [])
        if not isinstance(attempt, int) or attempt < 1 or not isinstance(answers, list):
            return cls()
        pairs = [one for one in answers if isinstance(one, list) and [type(each) for each in one] == [str, str]]
        return cls(attempt, tuple((who, state) for who, state in pairs)) if len(pairs) == len(answers) else cls()


def examine(protection: Protection, approval: Approval, *, protected_ref: bool | None = None) -> Iterator[Finding]:
    """Yield what an environment that needs approval must have, each with how to switch it on.

    `protected_ref` is whether this run's own branch is protected; None where there is no run. GitHub's documentation of
    environments says why it matters: "protected branches" means every branch for as long as none is protected.
    """
    name = protection.environment
    if not protection.exists:
        yield Finding(False, f"the environment {name} does not exist", f"Create it, named exactly {name}.")
        return
    reviewers = ", ".join(protection.reviewers)
    yield Finding(
        bool(reviewers),
        f"reviewers are asked: {reviewers}" if reviewers else "nobody is asked: it has no required reviewers",
        "Switch on “Required reviewers” and name the people or teams who decide. A private repository has that on "
        "GitHub Enterprise only; without it, say `approval: none` and guard the branch that deploys.",
    )
    if approval is Approval.REQUIRED:
        prevented = protection.prevents_self_review
        yield Finding(
            prevented,
            f"whoever starts a run {'cannot' if prevented else 'may'} approve it",
            "Switch on “Prevent self-review”; or say `approval: any-reviewer` in lockgate.yml if that is meant.",
        )
    yield _branches(protection, protected_ref=protected_ref)


def _branches(protection: Protection, *, protected_ref: bool | None) -> Finding:
    anybody = "Set “Deployment branches and tags” to protected branches, or to the names that may deploy."
    if protection.branches == "protected" and protected_ref is False:
        text = "only protected branches deploy, but this run's is not protected: while none is, GitHub lets every one"
        return Finding(False, text, "Protect the branch that deploys, or choose its name instead.")
    if protection.branches == "protected":
        unless = "" if protected_ref else ", as long as one is protected"
        return Finding(True, f"only protected branches deploy{unless}")
    if protection.branches != "custom":
        return Finding(False, "any branch or tag can deploy there", anybody)
    named = ", ".join(protection.names) or "none"
    if _EVERYTHING & set(protection.names):
        return Finding(False, f"any branch can deploy there: {named} is allowed", anybody)
    return Finding(True, f"only these branches or tags deploy: {named}")


def reviewed(reviews: Iterable[Review], environment: str, attempt: int) -> Reviewed:
    """Give what was said of an environment up to now."""
    said = ((one.who, one.state) for one in reviews if environment in one.environments and one.state in _ANSWERS)
    return Reviewed(attempt, tuple(said))


def approver(
    reviews: Iterable[Review], environment: str, approval: Approval, run: Run, *, before: Reviewed
) -> tuple[str, str]:
    """Give who approved, or "" and why nobody counts.

    GitHub does not say to which attempt of a run a review belongs. So those that were there `before` do not count, and
    where attempts have begun since, each must have its answer among the new ones: an approval that counts, or a
    rejection, which ended it. Otherwise an old approval might stand for an attempt that an administrator let through.
    """
    now = reviewed(reviews, environment, run.attempt)
    known = before if before.attempt <= run.attempt else Reviewed()
    new = list((Counter(now.answers) - Counter(known.answers)).elements())
    people = [who for who, state in new if state == "approved"]
    if not people:
        again = " since this attempt began" if known.answers else ""
        return "", f"GitHub has no review of this run{again}; an administrator may have let it through without one"
    mine = {login.lower() for login in run.involved if login}
    others = [who for who in people if approval is Approval.ANY_REVIEWER or who.lower() not in mine]
    if not others:
        return "", f"{people[0]} approved their own change: they wrote or committed some of it, or started this run"
    answered, attempts = len(others) + len(new) - len(people), run.attempt - known.attempt + 1
    if answered < attempts:
        return "", (
            f"this is attempt {run.attempt} of the run, GitHub does not say to which attempt a review belongs, and "
            f"{answered} that count are not enough for the {attempts} since attempt {known.attempt}"
        )
    return others[-1], ""

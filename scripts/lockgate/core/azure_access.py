"""Whether an identity in Azure trusts the right job and nothing else, and may do what a deploy needs."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lockgate.core.checklist import Check
from lockgate.core.config_target import TargetKind

ISSUER = "https://token.actions.githubusercontent.com"
AUDIENCE = "api://AzureADTokenExchange"
ROLES = {
    "8e3af657-a8ff-443c-a75c-2fe8c4bcb635": "Owner",
    "b24988ac-6180-42a0-ab88-20f7382dd24c": "Contributor",
    "de139f84-1756-47ae-9be6-808fbbe84772": "Website Contributor",
    "358470bc-b998-42bd-ab17-a7e34c199c0f": "Container Apps Contributor",
    "7f951dda-4ed3-4680-a7ca-43fe172d538d": "AcrPull",
    "8311e382-0749-4cb8-b61a-304f252e45ec": "AcrPush",
    "4633458b-17de-408a-b874-0445c86b69e6": "Key Vault Secrets User",
    "749f88d5-cbae-40b8-bcfc-e573ddc772fa": "Monitoring Contributor",
}
"""Azure's built-in roles by the ids that are the same everywhere; docs/azure.md says what each is for."""
_TOO_MUCH = frozenset({"Owner"})
_NEEDED = {
    TargetKind.APP_SERVICE: ("Website Contributor", "Contributor", "Owner"),
    TargetKind.CONTAINER_APPS: ("Container Apps Contributor", "Contributor", "Owner"),
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which job must be able to sign in: one with this environment, in this repository."""

    repository: str
    """OWNER/NAME."""
    environment: str
    guarded: bool
    """Whether somebody has to approve first."""

    @property
    def subject(self) -> str:
        """The subject that the job presents; newer repositories have ids in it."""
        return f"repo:{self.repository}:environment:{self.environment}"

    def fits(self, subject: str) -> bool:
        """Whether a credential's subject is this one, in either form."""
        owner, _, name = self.repository.partition("/")
        ids = rf"repo:{re.escape(owner)}@\d+/{re.escape(name)}@\d+:environment:{re.escape(self.environment)}"
        return subject == self.subject or re.fullmatch(ids, subject) is not None


def trust(area: str, credentials: Sequence[Mapping[str, Any]], wanted: Wanted) -> Iterator[Check]:
    """Judge the federated credentials of an identity."""
    ours = [one for one in credentials if one.get("issuer") == ISSUER]
    subjects = [str(one.get("subject") or "") for one in ours]
    fitting = [one for one, subject in zip(ours, subjects, strict=True) if wanted.fits(subject)]
    if not fitting and any(not subject for subject in subjects):
        yield Check(
            area, None, "the identity trusts by an expression: whether this environment's job fits is not judged"
        )
    elif not fitting:
        there = ", ".join(filter(None, subjects)) or "nobody on GitHub"
        fix = f"Add a federated credential with the subject {wanted.subject}; docs/azure.md has the command."
        yield Check(area, False, f"the identity does not trust this environment's job, but {there}", fix)
    elif not any(AUDIENCE in (one.get("audiences") or []) for one in fitting):
        yield Check(area, False, "the federated credential has another audience", f"Its audience must be {AUDIENCE}.")
    else:
        yield Check(area, True, f"the identity trusts {fitting[0].get('subject')}")
    others = [subject for subject in subjects if not wanted.fits(subject) and _goes_around(subject)]
    if others and wanted.guarded:
        text = f"jobs that nobody approves may sign in with it, too: {', '.join(others)}"
        yield Check(area, False, text, "Remove these credentials; give what builds or tests an identity of its own.")


def roles(area: str, assignments: Iterable[Mapping[str, Any]], principal: str, app: str, kind: TargetKind) -> Check:
    """Judge what the identity may do with the app; `app` is its id in Azure."""
    held = set(_held(assignments, principal, app))
    known = sorted(filter(None, map(ROLES.get, held)))
    fitting = [name for name in _NEEDED[kind] if name in known]
    if not fitting and len(known) < len(held):
        return Check(area, None, "the identity has a role of your own on the app: whether it is enough is not judged")
    if not fitting:
        has = f"only {', '.join(known)}" if known else "no role"
        fix = f"Assign {_NEEDED[kind][0]} on the app; docs/azure.md has the command."
        return Check(area, False, f"the identity has {has} on the app", fix)
    if _TOO_MUCH & set(known):
        fix = f"{_NEEDED[kind][0]} on the app is enough; an owner may give roles to others."
        return Check(area, False, "the identity is an owner of the app", fix)
    return Check(area, True, f"the identity may deploy: {fitting[0]}")


def _held(assignments: Iterable[Mapping[str, Any]], principal: str, app: str) -> Iterator[str]:
    for one in assignments:
        about = one.get("properties") or {}
        scope = str(about.get("scope", "")).rstrip("/").lower()
        covers = app.lower() == scope or app.lower().startswith(f"{scope}/")
        if about.get("principalId") == principal and covers:
            yield str(about.get("roleDefinitionId", "")).rpartition("/")[2].lower()


def _goes_around(subject: str) -> bool:
    """Whether a subject is one that a job without an environment presents."""
    return re.search(r":(?:pull_request|ref:.*)$", subject) is not None

"""Whether the workflow that calls Lockgate gives what this config needs; the rest is left out, or refused."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lockgate.core.checklist import Check
from lockgate.core.config import Approval, Config
from lockgate.core.config_ledger import LedgerKind

_CALLED = re.compile(r"[^/]+/[^/]*lockgate[^/]*/\.github/workflows/(?:pipeline|deploy|rollback)\.yml@.+", re.IGNORECASE)
_GITHUBS_OWN = re.compile(r"(?:ubuntu|windows|macos)-.+")
_RUNNERS = ("deploy-runner", "runner")
"""The inputs that say where a deploy runs, the first that is given; without them, on ubuntu-latest."""
_REPORTS = ("deployments", "statuses", "checks", "pull-requests", "issues")
"""Each may be left out, and then that is not told."""
_LEVELS = {"none": 0, "read": 1, "write": 2}


@dataclass(frozen=True, slots=True)
class Need:
    """One permission without which a rollout is refused."""

    name: str
    level: str
    why: str


def needs(config: Config) -> Iterator[Need]:
    """Yield what the jobs that deploy need."""
    if config.ledger.kind is LedgerKind.GITHUB:
        yield Need("contents", "write", f"to keep the ledger, unless ${config.ledger.secret} has a token for that")
    else:
        yield Need("contents", "read", "to check the code out")
    if any(one.target.kind.on_azure for one in config.environments.values()):
        yield Need("id-token", "write", "to sign in to Azure")
    if any(one.approval is not Approval.NONE for one in config.environments.values()):
        yield Need("actions", "read", "to read back who approved")


def examine(name: str, workflow: Any, config: Config) -> Iterator[Check]:
    """Judge every job of a workflow that calls Lockgate; `workflow` is whatever the file holds."""
    jobs = workflow.get("jobs") if isinstance(workflow, dict) else None
    for job in jobs.values() if isinstance(jobs, dict) else ():
        if isinstance(job, dict) and _CALLED.fullmatch(str(job.get("uses", ""))):
            granted = job.get("permissions", workflow.get("permissions"))
            yield _judged(f"workflow {name}", granted, list(needs(config)))
            given = job.get("with")
            yield from _kept(f"workflow {name}", given if isinstance(given, dict) else {}, config)


def _kept(area: str, given: Mapping[str, Any], config: Config) -> Iterator[Check]:
    """Judge whether the record of what runs on Azure outlives the machine that deploys."""
    on_azure = any(kind.on_azure for one in config.environments.values() for kind in one.kinds)
    runner = next((str(given[key]) for key in _RUNNERS if given.get(key)), "ubuntu-latest")
    named = given.get("state-dir")
    if on_azure and config.ledger.kind is LedgerKind.SQLITE and _GITHUBS_OWN.fullmatch(runner) and not named:
        text = (
            f"it deploys from {runner}, where the file of `ledger: sqlite` is gone when the job ends: that is refused"
        )
        yield Check(area, False, text, "Say `ledger: github` and grant `contents: write`, or name a database.")


def _judged(area: str, granted: Any, needed: list[Need]) -> Check:
    if granted is None:
        fix = "Name them, each with its reason, as `lockgate init` writes them; docs/github.md lists them all."
        return Check(area, None, "it names no permissions, so the repository's default decides", fix)
    missing = [one for one in needed if _level(granted, one.name) < _LEVELS[one.level]]
    if missing:
        text = ", ".join(f"{one.name}: {one.level} ({one.why})" for one in missing)
        return Check(area, False, f"it does not grant {text}", "Add it to the job that calls Lockgate.")
    untold = [name for name in _REPORTS if _level(granted, name) < _LEVELS["write"]]
    return Check(area, True, "it grants what is needed" + (f"; not told: {', '.join(untold)}" if untold else ""))


def _level(granted: Any, name: str) -> int:
    if isinstance(granted, Mapping):
        return _LEVELS.get(str(granted.get(name, "none")), 0)
    return {"write-all": 2, "read-all": 1}.get(str(granted), 0)

"""What the journal keeps of the change that a release brings: when it was written, and its commits."""

from collections.abc import Mapping
from typing import Any

from lockgate.adapters import commits
from lockgate.commands.rollouts import Rollouts
from lockgate.core.redaction import printable, shorten
from lockgate.core.release import Release

_LISTED = 50
_LONGEST = 120


def change(rollouts: Rollouts, release: Release) -> Mapping[str, Any]:
    """Give what git knows of it in this clone; its commits only where that goes back to what serves now."""
    root, env = rollouts.project.root, rollouts.project.runner.bare_env()
    told: dict[str, Any] = {"change": commits.times(root, release.commit, env)}
    name = next((f"{rollouts.environment.name}/{one}" for one in rollouts.environment.targets), "")
    standing = rollouts.ledger.standing(rollouts.service, name or rollouts.environment.name)
    found = commits.between(root, standing.release.commit, release.commit, env) if standing else None
    if standing and found:
        listed = [
            {"sha": one.sha, "author": _clean(one.author), "subject": _clean(one.subject), "pull": one.pull}
            for one in found[:_LISTED]
        ]
        told["commits"] = {"since": standing.release.commit, "count": len(found), "listed": listed}
    return told


def _clean(text: str) -> str:
    return shorten(printable(text), _LONGEST)

"""`lockgate status`: what runs where, as the platform says now, beside what the ledger remembers."""

import argparse
from collections.abc import Iterator
from typing import Any

from lockgate.commands.freeze import refused
from lockgate.commands.project import Project
from lockgate.commands.restore import what_is_shut
from lockgate.commands.revive import what_died
from lockgate.commands.rollouts import Rollouts
from lockgate.core import fleet_plan
from lockgate.core.ledger import Lease
from lockgate.core.reasons import Decision, Reason
from lockgate.core.result import Result
from lockgate.core.target import Revision


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's options."""
    parser.add_argument("environment", nargs="?", help="only this environment (default: all of them)")


def run(project: Project, arguments: argparse.Namespace) -> Result:
    """Print a table; the JSON form is in `data.environments`."""
    names = [arguments.environment] if arguments.environment else list(project.config.environments)
    places = [place for name in names for place in fleet_plan.members(project.environment(name))]
    rows = [_row(Rollouts(project, place)) for place in places]
    project.console.table(
        project.config.service,
        ["environment", "serves", "traffic", "verified", "last rollout", "by", "url"],
        [
            [
                row["environment"],
                row["version"] or "nothing",
                row["traffic"],
                row["verified"],
                row["last"],
                row["by"],
                row["url"],
            ]
            for row in rows
        ],
    )
    for row in rows:
        for text in row["notes"]:
            project.console.warn(f"{row['environment']}: {text}")
    return Result("status", Decision.PASSED, Reason.OK, "", service=project.config.service, data={"environments": rows})


def _row(rollouts: Rollouts) -> dict[str, Any]:
    name = rollouts.environment.name
    observation = rollouts.target.observe()
    standing = rollouts.ledger.standing(rollouts.service, name)
    latest = rollouts.ledger.deployments(service=rollouts.service, environment=name, limit=1)
    active = observation.active
    lease = rollouts.ledger.holder(rollouts.service, name)
    known = active is not None and standing is not None and standing.release.artifact.digest == active.digest
    return {
        "environment": name,
        "version": active.version if active else "",
        "commit": active.commit if active else "",
        "digest": active.digest if active else "",
        "alive": active.alive if active else False,
        "traffic": ", ".join(f"{r.weight}% {r.version}" for r in observation.revisions if r.weight) or "none",
        "verified": ("yes" if standing and standing.verified else "no") if known else ("unknown" if active else ""),
        "last": f"{latest[0].status} {latest[0].version} at {latest[0].deployed_at}" if latest else "never",
        "by": latest[0].deployed_by if latest else "",
        "url": rollouts.environment.url or observation.url,
        "lease": {"holder": lease.holder, "expires_at": lease.expires_at} if lease else None,
        "notes": list(_notes(rollouts, lease, active)),
    }


def _notes(rollouts: Rollouts, lease: Lease | None, active: Revision | None) -> Iterator[str]:
    """Yield what stands in the way of a deploy, in words."""
    place = (rollouts.service, rollouts.environment.name)
    if lease:
        yield f"{lease.holder} works on it; the lease runs until {lease.expires_at} and is renewed while they do"
    elif rollouts.ledger.unfinished(*place):
        yield "a rollout was cut off here: run `lockgate recover`"
    stopped = rollouts.environment.target.kind.on_azure and active is not None and not active.alive
    if stopped:
        yield "what should serve is stopped, or the platform cannot start it: Azure's portal says which"
    if what_died(rollouts):
        yield "what should serve does not run: run `lockgate recover`"
    elif what_is_shut(rollouts):
        yield "what should serve runs, and nobody reaches it, for its proxy does not run: run `lockgate recover`"
    if refusal := refused(rollouts):
        yield f"{refusal.what} {refusal.why}"

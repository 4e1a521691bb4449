"""`lockgate history`: what was deployed, when, by whom, and how it ended."""

import argparse
from collections.abc import Iterable
from dataclasses import asdict

from lockgate.commands.ledgers import open_ledger
from lockgate.commands.project import Project
from lockgate.core.ledger import Deployment, Ledger
from lockgate.core.reasons import Decision, Reason
from lockgate.core.result import Result
from lockgate.core.rollout_model import Kind
from lockgate.errors import UsageError

MOST = 1000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's options."""
    parser.add_argument("environment", nargs="?", help="only this environment (default: all of them)")
    parser.add_argument("--limit", type=int, default=20, help="how many, the newest first (default: 20)")


def run(project: Project, arguments: argparse.Namespace) -> Result:
    """Print a table; the JSON form is in `data.deployments`."""
    if not 1 <= arguments.limit <= MOST:
        raise UsageError(f"lockgate history: --limit is 1 to {MOST}, not {arguments.limit}")
    ledger = open_ledger(project)
    found = _found(project, ledger, arguments.environment or "", arguments.limit)
    project.console.table(
        f"{project.config.service}: {len(found)} rollouts",
        ["when (UTC)", "environment", "version", "outcome", "reason", "by", "why"],
        rows(found),
    )
    return Result(
        "history",
        Decision.PASSED,
        Reason.OK,
        "",
        service=project.config.service,
        data={"deployments": [asdict(d) for d in found]},
    )


def rows(found: Iterable[Deployment]) -> list[list[str]]:
    """Give a line of the table for each."""
    return [
        [
            d.deployed_at[:19].replace("T", " "),
            d.environment,
            d.version,
            d.status if d.metadata.get("kind") in {None, Kind.DEPLOY} else f"{d.status} ({d.metadata['kind']})",
            d.metadata.get("reason_code") or "",
            d.deployed_by,
            "; ".join(filter(None, [_overridden(d), (d.metadata.get("message") or "").partition("\n")[0]])),
        ]
        for d in found
    ]


def _overridden(deployment: Deployment) -> str:
    reason = deployment.metadata.get("override")
    return f"overridden: {reason}" if reason else ""


def _found(project: Project, ledger: Ledger, name: str, limit: int) -> list[Deployment]:
    """Give what was deployed in one environment and in each of its targets, or everywhere."""
    service = project.config.service
    environment = project.environment(name) if name else None
    if environment is None or not environment.targets:
        return list(ledger.deployments(service=service, environment=name, limit=limit))
    everything = ledger.deployments(service=service, limit=MOST)
    return [each for each in everything if f"{each.environment}/".startswith(f"{name}/")][:limit]

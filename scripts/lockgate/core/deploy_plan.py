"""What a deploy would do, in words: the steps, the watches and the shortest time they take."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from lockgate.core.config import Budgets, Config, EnvironmentConfig
from lockgate.core.config_rules import shortest_rollout
from lockgate.core.fleet_plan import Waves, batches
from lockgate.core.outlook import Outlook
from lockgate.core.passing import soonest
from lockgate.core.quantities import format_duration
from lockgate.core.release import Release
from lockgate.core.rollout_model import Standing

FULL = 100


@dataclass(frozen=True, slots=True)
class Place:
    """One target as it is before the deploy."""

    name: str
    baseline: Standing | None
    """What it would go back to; None where nothing verified runs."""
    outlook: Outlook = field(default_factory=Outlook)
    """What would change there."""


def stages(environment: EnvironmentConfig, budgets: Budgets, *, first: bool) -> Iterator[tuple[str, str]]:
    """Give each thing done in one target, and how long it takes at least and at most; "" where nobody can say."""
    gate, strategy = environment.gate, environment.strategy
    yield "start the new revision without traffic", f"up to {format_duration(environment.target.start_timeout)}"
    evidence = f"{format_duration(soonest(gate, budgets))} to {format_duration(gate.pre_promotion)}"
    yield "judge it beside what serves", evidence
    if environment.integration.command:
        limit = format_duration(environment.integration.timeout)
        yield f"run the integration tests: {environment.integration.command}", f"up to {limit}"
    hooks = format_duration(environment.migration.timeout)
    if environment.migration.before:
        yield f"run before promotion: {environment.migration.before}", f"up to {hooks}"
    for step in (FULL,) if first else strategy.steps:
        yield f"shift {step} % of the traffic to it", ""
        if step < FULL:
            yield f"judge it with {step} %", format_duration(strategy.pause)
    yield "judge it with all of the traffic (bake)", format_duration(gate.bake)
    if environment.targets:
        yield "hold until every target is healthy", ""
    if environment.migration.after:
        yield f"run after promotion: {environment.migration.after}", f"up to {hooks}"
    if not first:
        yield "drain and stop the old revision", f"up to {format_duration(strategy.drain)}"


def shortest(environment: EnvironmentConfig, budgets: Budgets, waves: Waves, *, first: bool) -> float:
    """Give the seconds a healthy deploy takes at the very least; starting services and draining not counted."""
    # Where nobody else serves there are no steps: the first shift gives it all of the traffic.
    strategy = replace(environment.strategy, steps=(FULL,)) if first else environment.strategy
    once = shortest_rollout(replace(environment, strategy=strategy), budgets)
    return sum(batches(wave, environment.concurrency) for wave in waves) * once if waves else once


def data(
    config: Config, environment: EnvironmentConfig, release: Release, waves: Waves, places: Sequence[Place]
) -> dict[str, Any]:
    """Give the plan for the result's JSON."""
    first = all(place.baseline is None for place in places)
    return {
        "release": {"version": release.version, "commit": release.commit, "artifact": str(release.artifact)},
        "targets": [
            {
                "name": place.name,
                "baseline": place.baseline.release.version if place.baseline else None,
                "changes": [asdict(change) for change in place.outlook.changes],
                "notes": list(place.outlook.notes),
            }
            for place in places
        ],
        "waves": [list(wave) for wave in waves],
        "stages": [{"what": what, "takes": takes} for what, takes in stages(environment, config.budgets, first=first)],
        "shortest_seconds": round(shortest(environment, config.budgets, waves, first=first), 3),
        "deploy_budget_seconds": config.budgets.deploy,
    }

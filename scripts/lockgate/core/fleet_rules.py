"""What the targets and waves of an environment must make sense of as a whole."""

from collections import Counter
from collections.abc import Iterator

from lockgate.core import fleet_plan
from lockgate.core.config import EnvironmentConfig
from lockgate.core.config_problems import Path, Problem
from lockgate.core.config_target import TargetConfig
from lockgate.core.quantities import format_duration


def check(environment: EnvironmentConfig) -> Iterator[Problem]:
    """Yield every rule that the targets and the waves break; the time they take is `wave_time`'s."""
    path, targets = _at(environment, "waves"), _at(environment, "targets")
    if environment.targets and environment.target != TargetConfig():
        both = _at(environment, "target")
        yield Problem(both, "expected a target or targets, got both", at_key=True, depends=(both, targets))
    if environment.waves and not environment.targets:
        yield Problem(path, "expected targets to ship in waves, got none", at_key=True, depends=(path, targets))
        return
    counted = Counter(name for wave in environment.waves for name in wave)
    for name, count in counted.items():
        if name not in environment.targets:
            known = ", ".join(environment.targets)
            yield Problem(path, f"expected one of the targets ({known}), got {name}", depends=(path, targets))
        elif count > 1:
            yield Problem(path, f"expected each target in one wave, got {name} in {count}", depends=(path, targets))
    missing = [name for name in environment.targets if environment.waves and name not in counted]
    if missing:
        message = f"expected every target in a wave, and {', '.join(missing)} is in none"
        yield Problem(path, message, depends=(path, targets))


def wave_time(environment: EnvironmentConfig, shortest: float, budget: float) -> Iterator[Problem]:
    """Yield the waves that cannot keep the budget, which each wave has for itself, where one rollout can."""
    if not environment.targets:
        return
    for number, wave in enumerate(fleet_plan.waves(environment), 1):
        rounds = fleet_plan.batches(wave, environment.concurrency)
        if rounds * shortest > budget:
            path = _at(environment, "concurrency")
            message = (
                f"wave {number} has {len(wave)} targets, {environment.concurrency} at a time, and takes at least "
                f"{rounds} x {format_duration(shortest)} = {format_duration(rounds * shortest)}, "
                f"more than budgets.deploy ({format_duration(budget)})"
            )
            used = tuple(_at(environment, key) for key in ("targets", "waves", "concurrency", "gate", "strategy"))
            yield Problem(path, message, depends=(*used, ("budgets", "deploy")))


def _at(environment: EnvironmentConfig, *keys: str) -> Path:
    return ("environments", environment.name, *keys)

"""What the numbers of a gate must make sense of together: that a healthy release can pass it."""

import math
from collections.abc import Iterator

from lockgate.core.config import Budgets, EnvironmentConfig
from lockgate.core.config_problems import Path, Problem
from lockgate.core.passing import enough
from lockgate.core.quantities import format_duration, format_share
from lockgate.core.streams import objectives

_EARLY = {"pre_promotion": False, "verify": True}
"""The watches that a clear pass ends, and whether users are served in them."""
_MOST_RATE = 100


def check(environment: EnvironmentConfig, budgets: Budgets) -> Iterator[Problem]:
    """Yield every rule that an environment's gate breaks."""
    yield from _evidence(environment, budgets)
    yield from _chances(environment, budgets)
    yield from _version(environment)


def sensible(environment: EnvironmentConfig, budgets: Budgets) -> bool:
    """Whether its shares are such that the time and the samples of a pass can be told at all."""
    gate = environment.gate
    promised = [budgets.availability, *(probe.objective for probe in gate.probes if probe.objective is not None)]
    return 0 < gate.alpha < 1 and 1 - budgets.availability < gate.detect < 1 and all(0 < one < 1 for one in promised)


def _evidence(environment: EnvironmentConfig, budgets: Budgets) -> Iterator[Problem]:
    gate = environment.gate
    span = _at(environment, "gate", "minimum_span")
    used = [_at(environment, "gate", key) for key in ("rate", "minimum_samples", "detect", "alpha", "probes")]
    for name, seconds in {"pre_promotion": gate.pre_promotion, "bake": gate.bake, "verify": gate.verify}.items():
        path = _at(environment, "gate", name)
        needed, why = gate.minimum_samples, f"minimum_samples is {gate.minimum_samples}"
        if name in _EARLY and sensible(environment, budgets):
            needed, why = max([(needed, why), *_healthy(environment, budgets, live=_EARLY[name], duration=seconds)])
        reached = round(gate.rate * seconds, 6)
        if reached < needed:
            least, given = format_duration(math.ceil(needed * 1000 / gate.rate) / 1000), format_duration(seconds)
            faster = math.ceil(needed * 10 / seconds) / 10
            message = (
                f"expected at least {least}, got {given}: {gate.rate:g} samples/s x {given} = {reached:g}, and {why}"
            )
            message += f" (or set rate: {faster:g})" if faster <= _MOST_RATE else " (or raise detect)"
            yield Problem(path, message, depends=(path, *used, ("budgets", "availability")))
        if seconds < gate.minimum_span:
            message = (
                f"expected at least minimum_span ({format_duration(gate.minimum_span)}), got {format_duration(seconds)}"
            )
            yield Problem(path, message, depends=(path, span))


def _healthy(
    environment: EnvironmentConfig, budgets: Budgets, *, live: bool, duration: float
) -> Iterator[tuple[int, str]]:
    """Give the samples that each indicator needs for a healthy revision to pass, and why.

    One that is asked at intervals is not among them: its objective is made such that its few questions are enough.
    """
    gate = environment.gate
    for objective in objectives(gate, budgets, live=live, duration=duration):
        if objective.minimum_samples is None:
            found = enough(objective, gate.alpha)
            yield (
                found.samples,
                (
                    f"a healthy revision needs {found.samples} to pass: with {objective.indicator} at "
                    f"{format_share(1 - objective.limit)} {found.bad} of them may be bad, and "
                    f"{format_share(objective.detect)} must be ruled out"
                ),
            )


def _chances(environment: EnvironmentConfig, budgets: Budgets) -> Iterator[Problem]:
    gate = environment.gate
    for name, share in {"alpha": gate.alpha, "detect": gate.detect}.items():
        path = _at(environment, "gate", name)
        if not 0 < share < 1:
            yield Problem(path, f"expected a share above 0% and below 100%, got {format_share(share)}", depends=(path,))
    path = _at(environment, "gate", "detect")
    tolerated = 1 - budgets.availability
    if 0 < gate.detect <= tolerated < 1:
        message = (
            f"expected more than {format_share(tolerated)}, got {format_share(gate.detect)}: budgets.availability "
            f"({format_share(budgets.availability)}) tolerates that share of bad answers"
        )
        yield Problem(path, message, depends=(path, ("budgets", "availability")))


def _version(environment: EnvironmentConfig) -> Iterator[Problem]:
    version = environment.gate.version
    if version.header and version.json:
        path = _at(environment, "gate", "version")
        yield Problem(path, "expected a header or a json path, got both", depends=(path,))


def _at(environment: EnvironmentConfig, *keys: str) -> Path:
    return ("environments", environment.name, *keys)

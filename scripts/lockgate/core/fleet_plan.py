"""The targets of an environment that lists several: who they are, in which waves, and on how many runners."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from lockgate.core.config import EnvironmentConfig

Waves = tuple[tuple[str, ...], ...]

MOST_JOBS = 256
"""GitHub's limit for the jobs of one matrix."""


def member(environment: EnvironmentConfig, name: str) -> EnvironmentConfig:
    """Give one target as an environment of its own, called `production/eu`: that is its name in every record."""
    target = environment.targets[name]
    return replace(
        environment,
        name=f"{environment.name}/{name}",
        target=target,
        url=target.url,
        targets={},
        waves=(),
    )


def members(environment: EnvironmentConfig) -> list[EnvironmentConfig]:
    """Give every target as an environment of its own; an environment with a single target is its only member."""
    return [member(environment, name) for name in environment.targets] or [environment]


def waves(environment: EnvironmentConfig, only: Iterable[str] = ()) -> Waves:
    """Give the waves, as configured or the first target alone and then all others; with `only`, just those targets."""
    first, *others = environment.targets
    planned = environment.waves or (((first,), tuple(others)) if others else ((first,),))
    chosen = set(only) or set(environment.targets)
    kept = (tuple(name for name in wave if name in chosen) for wave in planned)
    return tuple(wave for wave in kept if wave)


def record_name(environment: EnvironmentConfig, shipped: Waves) -> str:
    """Give the name under which a fleet is recorded and locked: its environment's, or for a part one of its own.

    Parts that are shipped by several runners at once must not lock each other out; a target in two of them does, by the
    target's own lease.
    """
    names = [name for wave in shipped for name in wave]
    if len(names) == len(environment.targets):
        return environment.name
    return f"{environment.name}/{names[0]}+{len(names) - 1}"


def is_record_of(environment: EnvironmentConfig, recorded: str) -> bool:
    """Whether a record's name is that of this environment's fleet or of a part of it, not of a single target."""
    return recorded == environment.name or (recorded.startswith(f"{environment.name}/") and "+" in recorded)


def shards(planned: Waves, size: int) -> Iterator[Mapping[str, Any]]:
    """Cut each wave into parts of at most `size` targets: the `include` list of a job matrix."""
    for number, wave in enumerate(planned, 1):
        for shard, start in enumerate(range(0, len(wave), size), 1):
            yield {"wave": number, "shard": shard, "targets": ",".join(wave[start : start + size])}


def batches(wave: Sequence[str], concurrency: int) -> int:
    """How many rounds a wave takes with so many targets at the same time."""
    return -(-len(wave) // concurrency)

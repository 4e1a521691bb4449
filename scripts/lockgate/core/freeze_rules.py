"""What a freeze window must make sense of."""

from collections.abc import Iterator
from contextlib import suppress

from lockgate.core.config import EnvironmentConfig, FreezeConfig
from lockgate.core.config_problems import Path, Problem
from lockgate.core.freeze import moment, weekly


def check(environment: EnvironmentConfig) -> Iterator[Problem]:
    """Yield what is wrong with an environment's freeze windows."""
    for number, window in enumerate(environment.freeze):
        yield from _window(window, ("environments", environment.name, "freeze", number))


def _window(window: FreezeConfig, path: Path) -> Iterator[Problem]:
    keys: tuple[Path, ...] = tuple((*path, key) for key in ("start", "end", "weekly"))
    once = bool(window.start and window.end)
    if once == bool(window.weekly) or (window.weekly and (window.start or window.end)):
        yield Problem(path, "expected start and end, or weekly", depends=keys)
        return
    if window.weekly:
        try:
            weekly(window.weekly)
        except ValueError as error:
            yield Problem((*path, "weekly"), str(error), depends=keys)
        return
    read = {}
    for key in ("start", "end"):
        text = getattr(window, key)
        with suppress(ValueError):
            read[key] = moment(text, last=key == "end")
        if key not in read:
            yield Problem((*path, key), f'"{text}" is no day of the calendar', depends=keys)
    if len(read) == len(("start", "end")) and read["end"] <= read["start"]:
        yield Problem((*path, "end"), f"expected a time after start ({window.start}), got {window.end}", depends=keys)

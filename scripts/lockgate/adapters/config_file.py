"""Read lockgate.yml: from bytes that may be anything to a Config, or to one error that tells everything at once."""

import json
import stat
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from lockgate.adapters import schema_errors, time_zones
from lockgate.adapters.yaml_positions import NotReadableError, Source, place, read
from lockgate.core import config_rules, literal_secrets
from lockgate.core.config import Config
from lockgate.core.config_parse import parse, without
from lockgate.core.config_problems import Path as DocumentPath
from lockgate.core.config_problems import Problem, shown, without_echoes, written
from lockgate.core.redaction import redact
from lockgate.errors import ConfigInvalidError, ConfigMissingError, ConfigProblem, ConfigUnreadableError

LARGEST = 1024 * 1024
"""Bytes. A config is a page or two; more is a mistake, or somebody's attempt to use up memory."""
MOST_TOLD = 50
SCHEMA = Path(__file__).parent.parent / "schemas" / "lockgate.schema.json"


def load(path: Path) -> Config:
    """Read and check a config; raise ConfigMissingError, ConfigUnreadableError or ConfigInvalidError."""
    name = name_of(path)
    text = _text(path, name)
    try:
        source = read(text)
    except NotReadableError as error:
        at = f":{error.position.line}:{error.position.column}" if error.position else ""
        raise ConfigUnreadableError(
            f"{name}{at}: {error.message}.", fix="Correct the file; docs/configuration.md shows a whole one."
        ) from error
    if not isinstance(source.document, dict):
        raise ConfigUnreadableError(
            f"{name}:1:1: expected a mapping of keys, such as `service: storefront`, got {shown(source.document)}.",
            fix="docs/configuration.md shows a whole file.",
        )
    config, problems = judge(source, text)
    if problems:
        raise _invalid(name, source, text, problems)
    return config


def name_of(path: Path) -> str:
    """Name a file as the person who started us would: relative to where they stand, if it is below."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def judge(source: Source, text: str) -> tuple[Config, list[Problem]]:
    """Find everything that is wrong: keys, values, rules and secrets. The config is good only if nothing is."""
    secrets = list(literal_secrets.in_document(source.document))
    secrets += _in_text(source, text, {problem.path for problem in secrets})
    hidden = {problem.path for problem in secrets}
    shape = [one for one in schema_errors.check(source.document, schema()) if one.path not in hidden]
    wrong = shape + secrets
    config = parse(without(source.document, [problem.path for problem in wrong]))
    rules = without_echoes([*config_rules.check(config), *_zones(config)], wrong)
    return config, source.problems + wrong + rules


def _zones(config: Config) -> Iterator[Problem]:
    for name, environment in config.environments.items():
        for number, window in enumerate(environment.freeze):
            if time_zones.find(window.timezone) is None:
                path: DocumentPath = ("environments", name, "freeze", number, "timezone")
                yield Problem(
                    path, f'expected a time zone like Europe/Berlin, got "{window.timezone}"', depends=(path,)
                )


@cache
def schema() -> dict[str, Any]:
    """The JSON Schema of the config, as shipped with the package."""
    loaded: dict[str, Any] = json.loads(SCHEMA.read_text(encoding="utf-8"))
    return loaded


def _text(path: Path, name: str) -> str:
    try:
        # A pipe or a device could make us wait or read for ever.
        if not stat.S_ISREG(path.stat().st_mode):
            raise ConfigUnreadableError(f"{name} is not a file.", fix="Name the config file with --config.")
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except FileNotFoundError as error:
        raise _missing(path, name) from error
    except OSError as error:
        raise ConfigUnreadableError(f"{name} cannot be read: {error.strerror or error}.") from error
    if len(content) > LARGEST:
        raise ConfigUnreadableError(
            f"{name} is larger than {LARGEST // 1024} KiB.",
            why="A config is a page or two; this is probably another file.",
            fix="Name the config file with --config.",
        )
    try:
        return content.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigUnreadableError(
            f"{name}:{line}: byte {error.start} is not UTF-8.", fix="Save the file as UTF-8 text."
        ) from error


def _missing(path: Path, name: str) -> ConfigMissingError:
    other = path.with_suffix(".yaml" if path.suffix == ".yml" else ".yml")
    if other.is_file():
        return ConfigMissingError(
            f"There is no {name}, but there is a {other.name}.", fix=f"Rename it, or say --config {name_of(other)}."
        )
    return ConfigMissingError(
        f"There is no {name}.",
        why="Lockgate reads what to test, build and deploy from there.",
        fix="Run `lockgate init` in the repository to write one, or name it with --config.",
    )


def _in_text(source: Source, text: str, known: set[DocumentPath]) -> list[Problem]:
    """Find secrets by their form, anywhere in the file, and say under which path each stands."""
    problems = []
    ordered = sorted((position, path) for path, position in source.values.items() if path)
    for found in literal_secrets.in_text(text)[:MOST_TOLD]:
        position = place(text, found.start)
        in_comment = "#" in text[: found.start].rpartition("\n")[2]
        before = () if in_comment else [path for at, path in ordered if at <= position]
        path = before[-1] if before else ()
        if path not in known:
            problems.append(Problem(path, f"this looks like {found.kind}: {literal_secrets.FIX}", position=position))
    return problems


def _invalid(name: str, source: Source, text: str, problems: Sequence[Problem]) -> ConfigInvalidError:
    values = [text[found.start : found.end] for found in literal_secrets.in_text(text)]
    placed = sorted((source.locate(problem), written(problem.path), problem.message) for problem in problems)
    told = [
        ConfigProblem(name, *position, redact(path, values), redact(message, values))
        for position, path, message in dict.fromkeys(placed)
    ]
    count = "1 problem" if len(told) == 1 else f"{len(told)} problems"
    lines = [f"  {problem}" for problem in told[:MOST_TOLD]]
    if len(told) > MOST_TOLD:
        lines.append(f"  ... and {len(told) - MOST_TOLD} more")
    return ConfigInvalidError(
        "\n".join([f"{name} has {count}:", *lines]),
        fix="Correct the file and run `lockgate validate`; docs/configuration.md explains every key.",
        problems=told,
    )

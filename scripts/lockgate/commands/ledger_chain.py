"""The chain of events as a whole: whether it holds, and a copy of it."""

import argparse
import os
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

from lockgate.commands.ledgers import open_ledger
from lockgate.commands.project import Project
from lockgate.core import chain_file
from lockgate.core.chain import BEGINNING, Chain, Damage, Link, damages
from lockgate.core.reasons import Decision, Reason
from lockgate.core.result import Result
from lockgate.errors import LedgerAlteredError, UsageError

_SHOWN = 20


def verify(project: Project, arguments: argparse.Namespace) -> Result:
    """Walk the chain of the ledger, or of an export; raise LedgerAlteredError."""
    seen = _seen(arguments.seen)
    if arguments.file:
        with _export(arguments.file) as (chain, links):
            check(chain, links, seen)
    else:
        ledger = open_ledger(project)
        chain = ledger.chain()
        check(chain, ledger.links(chain.first), seen)
    kept = chain_file.head(chain.position, chain.hash)
    counted = f"{chain.position - chain.first} events"
    project.console.good(f"{counted}, none changed and none missing" + _cut(chain))
    project.console.step(f"the chain ends at {kept}; kept somewhere else, --seen finds one that was written anew")
    return Result(
        "ledger",
        Decision.PASSED,
        Reason.OK,
        f"{counted}, none changed and none missing",
        data={"action": "verify", "events": chain.position - chain.first, "removed": chain.first, "head": kept},
    )


def export(project: Project, arguments: argparse.Namespace) -> Result:
    """Write every event to a file, or to standard output."""
    if arguments.json and not arguments.output:
        raise UsageError("lockgate ledger export: with --json, name a file with --output.")
    project = project if arguments.output else project.aside()
    ledger = open_ledger(project)
    chain = ledger.chain()
    lines = chain_file.write(chain, islice(ledger.links(chain.first), chain.position - chain.first))
    count = write(arguments.output, lines) if arguments.output else _print(lines)
    if arguments.output:
        project.console.good(f"{count} events in {arguments.output}")
    told = {"action": "export", "events": count, "head": chain_file.head(chain.position, chain.hash)}
    return Result("ledger", Decision.PASSED, Reason.OK, "", data=told)


def check(chain: Chain, links: Iterable[Link], seen: tuple[int, str] = (0, BEGINNING)) -> None:
    """Raise LedgerAlteredError where the chain does not hold."""
    if 0 < seen[0] < chain.first:
        raise UsageError(
            f"--seen {seen[0]} cannot be checked: retention removed the events up to {chain.first}.",
            fix="Take a later one, or verify the export that was made before.",
        )
    found = list(islice(damages(chain, links, seen), _SHOWN + 1))
    if found:
        raise altered(found)


def altered(found: list[Damage]) -> LedgerAlteredError:
    """Say where the chain does not hold."""
    lines = [f"  {one.position}: {one.what}" for one in found[:_SHOWN]]
    more = ["  and more"] if len(found) > _SHOWN else []
    return LedgerAlteredError(
        "\n".join(["The ledger was altered after it was written:", *lines, *more]),
        why="Somebody with the rights of its owner changed events, or a part of it was restored from a backup.",
        fix="Compare it with an export or a backup, and look at who can write to the database.",
    )


def write(path: Path, lines: Iterable[str]) -> int:
    """Write an export whole or not at all; give the number of events."""
    try:
        handle, temporary = tempfile.mkstemp(dir=path.absolute().parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                count = sum(bool(file.write(line)) for line in lines)
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise UsageError(f"lockgate ledger: {path} cannot be written: {error.strerror}.") from error
    return count - 1


def _print(lines: Iterable[str]) -> int:
    return sum(bool(sys.stdout.write(line)) for line in lines) - 1


@contextmanager
def _export(path: Path) -> Iterator[tuple[Chain, Iterator[Link]]]:
    try:
        with path.open(encoding="utf-8") as file:
            yield chain_file.read(file)
    except OSError as error:
        raise UsageError(f"lockgate ledger: {path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise UsageError(f"lockgate ledger: {path} is not an export: {error}.") from error


def _seen(text: str | None) -> tuple[int, str]:
    try:
        return chain_file.parse_head(text) if text else (0, BEGINNING)
    except ValueError as error:
        raise UsageError(f"lockgate ledger verify: {error}") from error


def _cut(chain: Chain) -> str:
    return f"; {chain.first} older ones were removed by retention" if chain.first else ""

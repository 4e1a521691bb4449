"""`lockgate ledger ACTION`: keep the record in order: migrate, verify, export, replay, forget. See docs/ledger.md."""

import argparse
from collections.abc import Callable
from pathlib import Path

from lockgate.commands import ledger_chain, ledger_upkeep
from lockgate.commands.project import Project
from lockgate.core.result import Result
from lockgate.errors import UsageError

ACTIONS: dict[str, tuple[Callable[[Project, argparse.Namespace], Result], str, frozenset[str]]] = {
    "migrate": (
        ledger_upkeep.migrate,
        "apply the database's migrations that are missing, or write all of them to a folder",
        frozenset({"output"}),
    ),
    "verify": (
        ledger_chain.verify,
        "find events that were changed or removed, by the hash chain over them",
        frozenset({"file", "seen"}),
    ),
    "export": (ledger_chain.export, "write every event as JSON lines", frozenset({"output"})),
    "replay": (
        ledger_upkeep.replay,
        "send what the ledger could not take in its time",
        frozenset({"spool"}),
    ),
    "forget": (
        ledger_upkeep.forget,
        "remove the oldest events, after verifying them; what is known of the rollouts stays",
        frozenset({"before", "output"}),
    ),
}
"""What each does, and the options that mean something to it."""
_OPTIONS = ("output", "file", "seen", "spool", "before")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's options."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    actions = "\n".join(f"  {name:<8} {text}" for name, (_, text, _) in ACTIONS.items())
    parser.description = f"{parser.description}\n\n{actions}"
    parser.add_argument("action", nargs="?", default="", metavar="ACTION", help="one of the above")
    parser.add_argument("--output", metavar="PATH", type=Path, help="export, forget: the file; migrate: the folder")
    parser.add_argument("--file", type=Path, help="verify: an export instead of the ledger itself")
    parser.add_argument("--seen", metavar="POSITION:HASH", help="verify: what an earlier `verify` printed")
    parser.add_argument("--spool", metavar="DIR", type=Path, help="replay: the files of another machine, too")
    parser.add_argument("--before", metavar="WHEN", help="forget: what is older than 365d, 52w or a day")


def run(project: Project, arguments: argparse.Namespace) -> Result:
    """Do one of them; raise UsageError where it is none, and for an option that belongs to another."""
    if not arguments.action:
        raise UsageError(f"lockgate ledger: which of {', '.join(ACTIONS)}?", fix="For example: lockgate ledger verify")
    if arguments.action not in ACTIONS:
        from lockgate.core.typo import meant  # noqa: PLC0415 - only to help with a typo

        raise UsageError(
            f'lockgate ledger: there is no action "{arguments.action}".',
            fix=f"{meant(arguments.action, ACTIONS)}See lockgate ledger --help.",
        )
    do, _, known = ACTIONS[arguments.action]
    for name in _OPTIONS:
        if getattr(arguments, name) is not None and name not in known:
            raise UsageError(f"lockgate ledger {arguments.action}: --{name} is not an option of it.")
    return do(project, arguments)

"""The command line: finds the command, gives it a project, shows how it ended. Nothing is decided here."""

import argparse
import importlib
import json
import os
import signal
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from lockgate import __version__
from lockgate.errors import InterruptedByUserError, LockgateError, UsageError
from lockgate.usage import COMMANDS, answer


class _BugError(Exception):
    """An exception that is none of ours: its traceback and its last line, both without the project's secrets."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{self.prog}: {message}", fix=f"See {self.prog} --help.")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return the exit code of the process."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if text := answer(arguments):
        print(text, end="")
        return 0
    # The signal of a cancelled job ends a command as Ctrl-C does: by cleaning up, not by dying with children left.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return _run(arguments[0], arguments[1:])
    except LockgateError as error:
        return _tell(error, as_json="--json" in arguments, command=arguments[0])
    except KeyboardInterrupt:
        return _tell(InterruptedByUserError("Interrupted."), as_json="--json" in arguments, command=arguments[0])
    except BrokenPipeError:
        # The reader went away (`lockgate history | head`): nothing is wrong, and nothing more can be said.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:  # noqa: BLE001 - the last line of defence: a person never sees a bare traceback
        return _confess(arguments[0], *(error.args if isinstance(error, _BugError) else _trace()))


def _run(name: str, arguments: list[str]) -> int:
    if name not in COMMANDS:
        from lockgate.core.typo import meant  # noqa: PLC0415 - only to help with a typo

        raise UsageError(f'lockgate: there is no command "{name}".', fix=f"{meant(name, COMMANDS)}See lockgate --help.")
    command = importlib.import_module(f"lockgate.commands.{name}")
    parser = _Parser(prog=f"lockgate {name}", description=COMMANDS[name])
    parser.add_argument("--config", help="the config file (default: lockgate.yml)")
    parser.add_argument("--state-dir", help="where ledger, revisions and switches are kept (default: .lockgate)")
    parser.add_argument("--json", action="store_true", help="print the result as JSON; progress goes to standard error")
    command.add_arguments(parser)
    parsed = parser.parse_args(arguments)

    from lockgate.commands.project import Project  # noqa: PLC0415 - `--help` above needs none of it

    project = Project.open(parsed)
    try:
        result = command.run(project, parsed)
        told = project.publish(result)
    except LockgateError as error:
        error.what, error.why, error.fix = map(project.hide, (error.what, error.why, error.fix))
        raise
    except BrokenPipeError:
        raise
    except ModuleNotFoundError as error:
        from lockgate.errors.extras import lacking  # noqa: PLC0415 - only when something failed

        raise lacking(error, f"lockgate {name}") or _BugError(*map(project.hide, _trace())) from None
    except Exception as error:  # noqa: BLE001 - told by `main`; here the project's secrets are known
        from lockgate.adapters.state import disk_full  # noqa: PLC0415 - only when something failed

        if isinstance(error, OSError) and (full := disk_full(error)):
            raise full from None
        raise _BugError(*map(project.hide, _trace())) from None
    if parsed.json:
        print(json.dumps(told, indent=2))
    return int(result.exit_code)


def _tell(error: LockgateError, *, as_json: bool, command: str) -> int:
    from lockgate.adapters.runner import Runner  # noqa: PLC0415 - only when something failed
    from lockgate.commands.project import failure  # noqa: PLC0415
    from lockgate.core.redaction import printable, unobeyed  # noqa: PLC0415

    result = failure(error, command)
    runner = Runner(stdout=sys.stderr if as_json else None)
    try:
        runner.annotate("error", str(error), title=f"lockgate {command}")
        runner.publish(result.to_dict(), result.summary)
    except OSError as problem:
        print(f"lockgate: the result could not be written: {problem}", file=sys.stderr)
    if as_json:
        print(json.dumps(result.to_dict(), indent=2))
    print(unobeyed(printable(f"\n{error}")), file=sys.stderr)
    return error.exit_code


def _trace() -> tuple[str, str]:
    """Give the traceback of what is being handled, and its last line."""
    return traceback.format_exc(), traceback.format_exc(limit=0).strip().splitlines()[-1]


def _confess(command: str, trace: str, last: str) -> int:
    import tempfile  # noqa: PLC0415 - only for a bug

    from lockgate.core.literal_secrets import without  # noqa: PLC0415 - only for a bug

    report = f"lockgate {__version__} {command}, Python {sys.version}\n\n{without(trace)}"
    try:
        with tempfile.NamedTemporaryFile("w", prefix="lockgate-bug-", suffix=".txt", delete=False) as file:
            file.write(report)
        where = f"the file {Path(file.name)}"
    except OSError as problem:
        where = f"the line above (a file with more could not be written: {problem.strerror or problem})"
    bug = LockgateError(
        f"lockgate {command}: a bug in Lockgate stopped it.",
        why=without(last),
        fix=f"Please report it with {where}. If this was a rollout, run `lockgate recover`: its journal is complete.",
    )
    return _tell(bug, as_json="--json" in sys.argv, command=command)

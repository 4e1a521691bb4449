"""What keeps a ledger in order: its tables, what waits for it, and what it need not keep."""

import argparse
from functools import partial
from pathlib import Path

from lockgate.adapters.ledger.spool import Spool
from lockgate.adapters.ledger.spooled import SpooledLedger
from lockgate.commands import ledger_chain
from lockgate.commands.ledgers import open_ledger, secret_of
from lockgate.commands.project import Project
from lockgate.core import chain_file, metrics_report
from lockgate.core.config_ledger import LedgerKind
from lockgate.core.ledger import Ledger
from lockgate.core.metrics import Period
from lockgate.core.reasons import Decision, Reason
from lockgate.core.result import Result
from lockgate.errors import LedgerRefusedError, UsageError


def migrate(project: Project, arguments: argparse.Namespace) -> Result:
    """Bring the database's tables and functions up to date, or write the migrations down for whoever does."""
    from lockgate.adapters.ledger.postgres import MIGRATIONS, PostgresCall  # noqa: PLC0415 - only where one is asked

    if arguments.output:
        names = _copy(MIGRATIONS, arguments.output)
        project.console.good(f"{len(names)} migrations in {arguments.output}")
        return _done("migrate", migrations=names)
    config = project.config.ledger
    if config.kind is LedgerKind.SUPABASE:
        raise UsageError(
            "lockgate ledger migrate: Supabase's REST API cannot make tables.",
            fix="In your repository, write them with --output supabase/migrations, then run `supabase db push`.",
        )
    if config.kind is not LedgerKind.POSTGRES:
        raise UsageError(f"lockgate ledger migrate: ledger.kind is {config.kind}, which has no migrations.")
    call = PostgresCall(secret_of(project, config), max(config.timeout, 60.0))
    try:
        names = call.migrate()
    finally:
        call.close()
    project.console.good(f"applied {', '.join(names)}" if names else "every migration is applied")
    return _done("migrate", migrations=names)


def replay(project: Project, arguments: argparse.Namespace) -> Result:
    """Send what waits on this machine, and in a folder from another one, in its order. What is there stays there.

    Raise LedgerRefusedError after everything else is sent.
    """
    ledger = open_ledger(project)
    sent = new = 0
    refused: LedgerRefusedError | None = None
    sources = [ledger.drain] if isinstance(ledger, SpooledLedger) else []
    sources += [partial(_from, arguments.spool, ledger)] if arguments.spool else []
    for send in sources:
        try:
            more = send()
        except LedgerRefusedError as error:
            refused = refused or error
        else:
            sent, new = sent + more[0], new + more[1]
    if refused:
        raise refused
    project.console.good(f"{sent} events sent, {new} of them new" if sent else "nothing waits for the ledger")
    return _done("replay", events=sent, new=new)


def forget(project: Project, arguments: argparse.Namespace) -> Result:
    """Verify the chain, keep a copy where one is asked for, then remove what is older; raise LedgerAlteredError."""
    if not arguments.before:
        raise UsageError(
            "lockgate ledger forget: before when?", fix="For example: lockgate ledger forget --before 365d"
        )
    try:
        before = metrics_report.beginning(arguments.before, project.clock.now(), Period.DAY)
    except ValueError as error:
        raise UsageError(f"lockgate ledger forget: {error}") from error
    ledger = open_ledger(project)
    chain = ledger.chain()
    # Whoever changed an event must not have it removed, too.
    ledger_chain.check(chain, ledger.links(chain.first))
    if arguments.output:
        ledger_chain.export(project, arguments)
    removed = ledger.forget(before)
    project.console.good(f"{removed} events from before {before:%Y-%m-%d} removed")
    first = next(iter(ledger.links(chain.first + removed)), None)
    if first and first.at < before.isoformat():
        project.console.warn(f"the next one is as old, and its rollout {first.rollout} has no ending: see `recover`")
    head = chain_file.head(chain.position, chain.hash)
    return _done("forget", before=f"{before:%Y-%m-%d}", removed=removed, head=head)


def _from(folder: Path, ledger: Ledger) -> tuple[int, int]:
    if not folder.is_dir():
        raise UsageError(f"lockgate ledger replay: {folder} is not a folder.")
    spool, sent, new = Spool(folder), 0, 0
    refused: LedgerRefusedError | None = None
    for entries in map(spool.entries, spool.rollouts()):
        try:
            new += ledger.replay(entries)
            sent += len(entries)
        except LedgerRefusedError as error:
            refused = refused or error
    if refused:
        raise refused
    return sent, new


def _copy(source: Path, folder: Path) -> list[str]:
    names = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path in sorted(source.glob("*.sql")):
            (folder / path.name).write_bytes(path.read_bytes())
            names.append(path.name)
    except OSError as error:
        raise UsageError(f"lockgate ledger migrate: {folder} cannot be written: {error.strerror}.") from error
    return names


def _done(action: str, **data: object) -> Result:
    return Result("ledger", Decision.PASSED, Reason.OK, "", data={"action": action, **data})

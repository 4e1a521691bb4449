"""The record of what was done, as the config names it."""

from lockgate.adapters.ledger.called import Call, CalledLedger
from lockgate.adapters.ledger.spool import Spool
from lockgate.adapters.ledger.spooled import SpooledLedger
from lockgate.adapters.sqlite_ledger import SqliteLedger
from lockgate.adapters.watch_notes import WatchNotes, to_folder
from lockgate.commands.project import Project
from lockgate.core.config import EnvironmentConfig
from lockgate.core.config_ledger import LedgerConfig, LedgerKind
from lockgate.core.ledger import Ledger
from lockgate.errors import ConfigInvalidError, LedgerRefusedError

SPOOL = "spool"
"""The folder in the state directory that holds what a shared ledger could not take yet."""


KEEP = "Say `ledger: github` in lockgate.yml and `contents: write` in the workflow, or name a database: docs/ledger.md."


def is_a_file(project: Project, *environments: EnvironmentConfig) -> bool:
    """Whether what runs on Azure is recorded in a file of the machine that deploys, at a place that nobody chose."""
    on_azure = any(kind.on_azure for one in environments for kind in one.kinds)
    return on_azure and project.config.ledger.kind is LedgerKind.SQLITE and not project.state_is_named


def check_outlives(project: Project, *environments: EnvironmentConfig) -> None:
    """Raise ConfigInvalidError where the record of a rollout would be gone before the next one, or a recovery."""
    ends = project.runner.ends_with_the_job or project.runner.is_of_the_job(project.state_path)
    if ends and is_a_file(project, *environments):
        raise ConfigInvalidError(
            f"ledger is sqlite in {project.config_path.name}: a file on this runner, which is gone when the job ends.",
            why="The next deploy would find a release on Azure that it knows nothing of (drift), and a rollout that "
            "was cut off could not be recovered.",
            fix=f"{KEEP} Where the file is kept some other way, name its folder with the input state-dir.",
        )


def open_ledger(project: Project) -> Ledger:
    """Open the ledger of a project; raise StateError where it cannot be."""
    config = project.config.ledger
    if config.kind is LedgerKind.SQLITE:
        return SqliteLedger(project.state / "ledger.db", project.clock)
    if config.kind is LedgerKind.GITHUB:
        from lockgate.commands.github_ledger import open_github_ledger  # noqa: PLC0415 - GitHub's client

        return spooled(project, open_github_ledger(project))
    return spooled(project, CalledLedger(_call(project, config)))


def open_notes(project: Project) -> WatchNotes | None:
    """Open what tells the board how a watch goes; None where the ledger has no place for it."""
    config = project.config.ledger
    if config.kind is LedgerKind.SQLITE:
        return WatchNotes(to_folder(project.state))
    if config.kind is LedgerKind.GITHUB:
        return None
    # Over a connection of its own: whatever becomes of a note, no event waits for it.
    call = _call(project, config)
    return WatchNotes(lambda note: call("lockgate_watch", {"p_note": note.to_dict()}))


def spooled(project: Project, shared: Ledger) -> SpooledLedger:
    """Put a ledger that many machines share behind the files that hold what it cannot take."""
    spool = Spool(project.state / SPOOL)
    return SpooledLedger(shared, spool, project.clock, project.config.ledger.lease, project.console.warn)


def _call(project: Project, config: LedgerConfig) -> Call:
    secret = secret_of(project, config)
    if config.kind is LedgerKind.SUPABASE:
        from lockgate.adapters.ledger.supabase import SupabaseCall  # noqa: PLC0415 - only the one that is used

        return SupabaseCall(config.url, secret, config.timeout)
    from lockgate.adapters.ledger.postgres import PostgresCall  # noqa: PLC0415

    return PostgresCall(secret, config.timeout)


def secret_of(project: Project, config: LedgerConfig) -> str:
    """Read what opens the ledger from this machine's environment; raise LedgerRefusedError."""
    value = (project.runner.secret(config.secret) or "").strip()
    if not value:
        raise LedgerRefusedError(
            f"No value for the ledger's secret (from ${config.secret}).",
            why=f"ledger.kind is {config.kind}, and its secret is read from that variable.",
            fix="Set it in this shell; on GitHub, hand LOCKGATE_LEDGER_SECRET to the workflow: see docs/ledger.md.",
        )
    project.console.secrets.append(value)
    return value

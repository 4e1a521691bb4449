"""The record of what was done, as the config names it."""

from lockgate.adapters.sqlite_ledger import SqliteLedger
from lockgate.commands.project import Project
from lockgate.core.ledger import Ledger


def open_ledger(project: Project) -> Ledger:
    """Open the ledger of a project; raise StateError where it cannot be."""
    return SqliteLedger(project.state / "ledger.db", project.clock)

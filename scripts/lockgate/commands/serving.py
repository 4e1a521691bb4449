"""What the ledger kept about the release that serves: the dossier that it came with."""

from collections.abc import Mapping
from typing import Any

from lockgate.adapters import dossier_file
from lockgate.commands.ledgers import open_ledger
from lockgate.commands.project import Project
from lockgate.core.config_ledger import LedgerKind
from lockgate.core.reasons import Outcome
from lockgate.errors import DossierInvalidError, StateError

_LOOKED_AT = 20


def dossier(project: Project, environment: str) -> Mapping[str, Any]:
    """Give it as JSON; empty where nothing was deployed there, or the ledger cannot be read."""
    try:
        ledger = open_ledger(project)
        for one in ledger.deployments(service=project.config.service, environment=environment, limit=_LOOKED_AT):
            if one.status == Outcome.DEPLOYED:
                begun = next(iter(ledger.events(one.id)), None)
                found = (begun.data.get("dossier") if begun else None) or {}
                if found:
                    dossier_file.check(found, "the ledger's dossier")
                return found
    except (StateError, DossierInvalidError):
        pass
    return {}


def build(project: Project) -> Mapping[str, Any] | None:
    """Give how what serves in the last environment was built, where the ledger is on this machine.

    A build holds no secret, and so asks no other ledger; there `lockgate brief` says the same.
    """
    here = project.config.ledger.kind is LedgerKind.SQLITE and (project.state_path / "ledger.db").is_file()
    environments = list(project.config.environments)
    return dossier(project, environments[-1]).get("build") if here and environments else None

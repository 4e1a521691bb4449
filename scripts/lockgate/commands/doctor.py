"""`lockgate doctor`: check from a laptop what a deploy on GitHub needs, and print what to put right."""

import argparse
import re
from collections.abc import Callable, Iterator

from lockgate.adapters import repository
from lockgate.adapters.github import approvals, repository_page
from lockgate.commands import doctor_image
from lockgate.commands.github import open_from_laptop, settings_url
from lockgate.commands.project import Project
from lockgate.core import caller_workflow, checklist, protection
from lockgate.core.checklist import Check
from lockgate.core.config import Approval
from lockgate.core.config_ledger import LedgerKind
from lockgate.core.config_provenance import Attestations
from lockgate.core.reasons import Decision, Reason
from lockgate.core.result import Result
from lockgate.errors import GitHubError, LockgateError

SIGNS = re.compile(r"(?m)^\s*attest: true\b")
PRIVATE = (
    "Every deploy would be refused: leave provenance.attestations off, and have a job before the deploy run "
    "`gh attestation verify`, as docs/provenance.md shows."
)

VERIFY = (
    "Add sslmode=verify-full to the connection string, and sslrootcert: the file of the authority that signs for the "
    "database, or `system` for one that everybody knows."
)
_MOST_WORKFLOWS = 200


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's options: there are none."""


def run(project: Project, arguments: argparse.Namespace) -> Result:
    """Check every area; `failed` where something is to be put right, `error` where something could not be judged."""
    del arguments
    checks = [check for area in AREAS for check in area(project)]
    for check in checks:
        say = {True: project.console.good, False: project.console.bad, None: project.console.warn}[check.ok]
        say(f"{check.area}: {check.text}" + (f"\n  {check.fix}" if check.fix and not check.ok else ""))
    states = {check.ok for check in checks}
    decision = Decision.FAILED if False in states else Decision.ERROR if None in states else Decision.PASSED
    reason = Reason.OK if decision is Decision.PASSED else Reason.CHECKS_FAILED
    return Result(
        "doctor",
        decision,
        reason,
        checklist.counts(checks),
        service=project.config.service,
        data={"checks": [check.to_dict() for check in checks]},
        summary=checklist.page(checks),
    )


def _config(project: Project) -> Iterator[Check]:
    environments = ", ".join(project.config.environments) or "none"
    yield Check("config", True, f"{project.config_path.name} is valid; environments: {environments}")


def _workflows(project: Project) -> Iterator[Check]:
    """Check what the workflows that call Lockgate grant."""
    from lockgate.adapters.yaml_positions import NotReadableError, read  # noqa: PLC0415 - YAML, only where needed

    folder = repository.top(project.root) / ".github" / "workflows"
    for path in sorted([*folder.glob("*.yml"), *folder.glob("*.yaml")])[:_MOST_WORKFLOWS]:
        try:
            document = read(path.read_text(encoding="utf-8")).document
        except (OSError, ValueError, NotReadableError):
            continue  # GitHub says so itself, and it may be none of ours
        yield from caller_workflow.examine(path.name, document, project.config)


def _github(project: Project) -> Iterator[Check]:
    """Check the repository's settings for every environment that needs approval."""
    guarded = [one for one in project.config.environments.values() if one.approval is not Approval.NONE]
    hub = open_from_laptop(project)
    if hub is None:
        fix = "Set GH_TOKEN or run `gh auth login`, in a checkout whose origin is on GitHub."
        yield Check("github", None, "no token or no repository: nothing on GitHub was looked at", fix)
        return
    page = settings_url(project, hub.repository)
    if not guarded:
        yield Check("github", True, f"{hub.repository}: no environment of lockgate.yml needs approval")
    for environment in guarded:
        area = f"github {environment.name}"
        try:
            found = approvals.protection(hub, environment.name)
        except GitHubError as error:
            yield Check(area, None, error.what, error.fix)
            continue
        for one in protection.examine(found, environment.approval):
            yield Check(area, one.ok, one.text, f"{one.fix} {page}" if one.fix else "")


def _provenance(project: Project) -> Iterator[Check]:
    """Check that what the deploys ask for is signed by the workflow."""
    if project.config.provenance.attestations is Attestations.OFF:
        return
    folder = repository.top(project.root) / ".github" / "workflows"
    texts = {path.name: path.read_text(encoding="utf-8", errors="replace") for path in sorted(folder.glob("*.y*ml"))}
    signing = [name for name, text in texts.items() if SIGNS.search(text) and "attestations: write" in text]
    if signing:
        yield Check("provenance", True, f"{', '.join(signing)} signs what it builds")
    else:
        what = "no workflow here calls Lockgate with `attest: true` and grants `attestations: write`"
        yield Check("provenance", False, what, "Add both, or every deploy is refused: see docs/provenance.md.")
    if (hub := open_from_laptop(project)) is None:
        return  # which another check says
    try:
        private = repository_page.is_private(hub)
    except GitHubError as error:
        yield Check("provenance", None, error.what, error.fix)
        return
    if private:
        what = f"{hub.repository} is private: GitHub signs for it with its own Sigstore, which Lockgate cannot verify"
        yield Check("provenance", False, what, PRIVATE)


def _ledger(project: Project) -> Iterator[Check]:
    """Check that the record of what was done can be read."""
    from lockgate.commands.ledgers import open_ledger  # noqa: PLC0415 - may load a database's client

    try:
        open_ledger(project).deployments(service=project.config.service, limit=1)
    except LockgateError as error:
        yield Check("ledger", None, error.what, error.fix)
    else:
        kind = project.config.ledger.kind
        stays = "; it stays on the machine that deploys: where that is GitHub's own, say `ledger: github`"
        yield Check("ledger", True, f"{kind} can be read{stays if kind is LedgerKind.SQLITE else ''}")
    if project.config.ledger.kind is LedgerKind.POSTGRES:
        yield from _database(project)


def _database(project: Project) -> Iterator[Check]:
    """Check that nobody else can answer for the database."""
    from lockgate.adapters.ledger.dsn import unverified  # noqa: PLC0415 - loads the database's client
    from lockgate.commands.ledgers import secret_of  # noqa: PLC0415

    try:
        mode = unverified(secret_of(project, project.config.ledger))
    except LockgateError:
        return  # said above
    if mode:
        text = f"whether it is the database that answers is not known: sslmode={mode} takes a certificate in any name"
        yield Check("ledger", None, text, VERIFY)


def _azure(project: Project) -> Iterator[Check]:
    """Check what Azure knows of every environment there."""
    if any(kind.on_azure for one in project.config.environments.values() for kind in one.kinds):
        from lockgate.commands.doctor_azure import azure  # noqa: PLC0415 - loads Azure's client

        yield from azure(project)


AREAS: list[Callable[[Project], Iterator[Check]]] = [
    _config,
    doctor_image.check,
    _provenance,
    _ledger,
    _workflows,
    _github,
    _azure,
]
"""What is looked at, in this order. A platform adds its own."""

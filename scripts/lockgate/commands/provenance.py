"""Before a release goes anywhere: who signed for its digest, held against repository, workflow and commit."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from lockgate.adapters.github import attestations
from lockgate.adapters.github.client import GitHub
from lockgate.adapters.sigstore_bundle import BundleInvalidError, Bundles
from lockgate.adapters.trivy import FORMATS
from lockgate.commands.github import open_from_laptop, open_github
from lockgate.commands.project import Project
from lockgate.core.attestation import BUILDER, PROVENANCE, Claims, Expected, Signer, Statement, statement
from lockgate.core.config_provenance import Attestations
from lockgate.core.redaction import printable, shorten
from lockgate.core.release import Release
from lockgate.errors import GitHubError, ProvenanceMissingError, ProvenanceRefusedError, ProvenanceUnverifiableError

_SECONDS = 60.0
_WORDS = 300
_NAMED = 3
Verified = tuple[Claims, Statement]


def check(project: Project, release: Release, scan: Path | None) -> Mapping[str, Any] | None:
    """Give what the dossier says about who signed; None where nothing was asked for, or nothing is there.

    Raise ProvenanceMissingError, ProvenanceRefusedError, ProvenanceUnverifiableError, GitHubError.
    """
    config = project.config.provenance
    if config.attestations is Attestations.OFF:
        return None
    try:
        hub = _open(project, release)
        found = [_one(project, hub, release, "provenance")]
        if config.sbom:
            found.append(_one(project, hub, release, "sbom"))
            _hold_sbom(found[-1][1], scan)
    except (ProvenanceMissingError, ProvenanceUnverifiableError, GitHubError) as error:
        if config.attestations is Attestations.REQUIRED:
            raise
        project.console.warn(f"{error.what} Who built it was not verified.")
        return None
    claims = found[0][0]
    project.console.good(f"{release.artifact.short} was built from {claims.commit[:12]} by {claims.workflow}: verified")
    return {
        "repository": claims.repository,
        "workflow": claims.workflow,
        "commit": claims.commit,
        "issuer": claims.issuer,
        "predicates": [said.predicate_type for _, said in found],
    }


def signer(project: Project) -> Signer:
    """Give the workflow that must have signed for what was built; raise ProvenanceUnverifiableError."""
    given = project.config.provenance.workflow
    if given:
        return Signer.parse(given)  # the schema has looked at its form
    repository, _, commit = project.runner.input("workflow").partition("@")
    if not repository or not commit:
        raise ProvenanceUnverifiableError(
            "Which workflow must have built it is not known here.",
            why="Only deploy.yml on GitHub knows the Lockgate that it belongs to.",
            fix="Say it in lockgate.yml: provenance.workflow: OWNER/lockgate/.github/workflows/build.yml",
        )
    return Signer(repository, BUILDER, commit=commit)


def _open(project: Project, release: Release) -> GitHub:
    if not release.commit:
        raise ProvenanceUnverifiableError(
            f"{release.artifact} names no commit, so nothing can be held against it.",
            fix="Deploy what was built from a commit.",
        )
    opened = open_github(project, seconds=_SECONDS)
    if opened is None and not project.runner.in_actions:
        opened = open_from_laptop(project)
    if opened is None:
        raise ProvenanceUnverifiableError(
            "The attestations cannot be read: there is no token, or no repository on GitHub.",
            fix="On a laptop, set GH_TOKEN; in a job, leave the action's input github-token at its default.",
        )
    return opened


def _one(project: Project, hub: GitHub, release: Release, kind: str) -> Verified:
    """Give an attestation of a kind that is as it must be."""
    built_by = signer(project)
    expected = Expected(
        project.runner.hosted.server_url,
        hub.repository,
        release.commit,
        release.artifact.digest,
        built_by if kind == "provenance" else built_by.of_sbom,
    )
    found = attestations.of(hub, release.artifact.digest, kind)
    if not found:
        raise ProvenanceMissingError(
            f"{release.artifact} has no attestation of its {'provenance' if kind == 'provenance' else 'SBOM'}.",
            why="provenance.attestations is `required`, and GitHub has none for this digest in this repository.",
            fix="Call the pipeline with `attest: true`, and grant it `attestations: write` and `id-token: write`.",
        )
    root = project.config.provenance.trusted_root
    opener = Bundles(project.root / root if root else None)
    wanted: Callable[[Statement], bool] = (
        (lambda said: said.predicate_type == PROVENANCE) if kind == "provenance" else (lambda said: said.is_sbom)
    )
    problems: list[str] = []
    for verified in _verified(opener, found, problems):
        wrong = list(expected.problems(*verified))
        if not wrong and wanted(verified[1]):
            return verified
        problems += wrong or [f"it attests {verified[1].predicate_type}"]
    raise _refused(release, expected, problems)


def _verified(opener: Bundles, found: Sequence[Mapping[str, Any]], problems: list[str]) -> Iterator[Verified]:
    for bundle in found:
        try:
            claims, kind, payload = opener.open(bundle)
            yield claims, statement(kind, payload)
        except (BundleInvalidError, ValueError) as error:
            problems.append(f"its signature does not hold: {error}")


def _hold_sbom(said: Statement, scan: Path | None) -> None:
    """What was attested must be what this release's scan wrote, where that came along; raise ProvenanceRefusedError."""
    path = scan / FORMATS["cyclonedx"] if scan else None
    try:
        ours = json.loads(path.read_bytes()) if path else None
    except (OSError, ValueError, RecursionError):
        return  # the scan gate speaks about a folder that is not whole
    if ours is not None and ours != said.predicate:
        raise ProvenanceRefusedError(
            f"The SBOM that was attested is not the one in {scan}.",
            why="One of the two was changed after the scan.",
            fix="Run the pipeline again; if it happens again, find out who can write to its artifacts.",
        )


def _refused(release: Release, expected: Expected, problems: Sequence[str]) -> ProvenanceRefusedError:
    distinct = list(dict.fromkeys(problems))
    said = "; ".join(shorten(printable(one), _WORDS) for one in distinct[:_NAMED])
    more = f"; and {len(distinct) - _NAMED} more" if len(distinct) > _NAMED else ""
    return ProvenanceRefusedError(
        f"No attestation of {release.artifact} is what it must be: {said}{more}.",
        why=f"It must be signed by {expected.signer} for {expected.repository} at commit {expected.commit}.",
        fix="Deploy what this pipeline built. If somebody else built it, find out who may push to the registry.",
    )

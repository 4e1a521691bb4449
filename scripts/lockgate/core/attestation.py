"""What an attestation has to say before a release is believed to be what its commit was built into.

Whether it was signed by whom it names is `adapters.sigstore_bundle`'s to find out; here the words are compared. A claim
is a field of the signing certificate, put there by the certificate authority from GitHub's own token about the job:
https://github.com/sigstore/fulcio/blob/main/docs/oid-info.md. The statement is in-toto's:
https://github.com/in-toto/attestation/tree/main/spec/v1.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

ISSUER = "https://token.actions.githubusercontent.com"
"""Who says on GitHub.com which job it is."""
PROVENANCE = "https://slsa.dev/provenance/v1"
SBOMS = ("https://cyclonedx.org/bom", "https://spdx.dev/Document")
"""The beginnings of the types of an SBOM: a version may follow."""
PAYLOAD = "application/vnd.in-toto+json"
LIMIT_BYTES = 20_000_000
_STATEMENT = "https://in-toto.io/Statement/v1"
_DIGEST = re.compile(r"[0-9a-f]{64}")
_WORKFLOW = re.compile(r"(?P<repository>[\w.-]+/[\w.-]+)/(?P<file>\.github/workflows/[\w.-]+\.ya?ml)(?:@(?P<ref>\S+))?")
BUILDER, SCANNER = ".github/workflows/build.yml", ".github/workflows/scan.yml"
"""The workflows of Lockgate that sign: what was built, and what is in it."""


@dataclass(frozen=True, slots=True)
class Claims:
    """Who signed, as the certificate says."""

    issuer: str = ""
    repository: str = ""
    """The address of the repository whose run this was."""
    commit: str = ""
    ref: str = ""
    workflow: str = ""
    """The address of the workflow file whose job signed, with its ref: of a called one, the called."""
    workflow_commit: str = ""
    run: str = ""


@dataclass(frozen=True, slots=True)
class Statement:
    """What was signed."""

    predicate_type: str
    digests: frozenset[str]
    """Of what it is about, as `sha256:...`."""
    predicate: Mapping[str, Any]

    @property
    def is_sbom(self) -> bool:
        """Whether it lists what is in something."""
        return self.predicate_type.startswith(SBOMS)


@dataclass(frozen=True, slots=True)
class Signer:
    """The workflow that may sign. An empty `ref` or `commit` allows any."""

    repository: str
    file: str
    ref: str = ""
    commit: str = ""

    @classmethod
    def parse(cls, text: str) -> "Signer":
        """Read `OWNER/REPOSITORY/.github/workflows/FILE`, with or without `@REF`; raise ValueError."""
        match = _WORKFLOW.fullmatch(text)
        if not match:
            raise ValueError(f"expected OWNER/REPOSITORY/.github/workflows/FILE, with or without @REF, got {text!r}")
        return cls(match["repository"], match["file"], match["ref"] or "")

    @property
    def of_sbom(self) -> "Signer":
        """The one that signs the SBOM: Lockgate's own has a workflow for that beside the one that builds."""
        return replace(self, file=SCANNER) if self.file == BUILDER else self

    def __str__(self) -> str:
        return f"{self.repository}/{self.file}" + (f"@{self.ref or self.commit}" if self.ref or self.commit else "")


@dataclass(frozen=True, slots=True)
class Expected:
    """What must be true of an attestation."""

    server: str
    """Such as https://github.com."""
    repository: str
    """`owner/name` of the service's repository."""
    commit: str
    digest: str
    signer: Signer

    def problems(self, claims: Claims, statement: Statement) -> Iterator[str]:
        """Yield what is not as it must be, each in words."""
        if claims.issuer != ISSUER:
            yield f"{claims.issuer or 'nobody'} vouched for the signer, and not {ISSUER}"
        # GitHub's names of owners and repositories do not distinguish capital letters.
        if claims.repository.lower() != f"{self.server}/{self.repository}".lower():
            yield f"it was signed for the repository {claims.repository or '(none)'}"
        if claims.commit != self.commit:
            yield f"it was signed for commit {claims.commit or '(none)'}"
        if self.digest not in statement.digests:
            yield "it is about another digest"
        place, _, ref = claims.workflow.partition("@")
        signer = self.signer
        known = place.lower() == f"{self.server}/{signer.repository}/{signer.file}".lower()
        if not known or (signer.ref and ref != signer.ref):
            yield f"it was signed by the workflow {claims.workflow or '(none)'}"
        elif signer.commit and claims.workflow_commit != signer.commit:
            yield f"it was signed by {signer.file} at commit {claims.workflow_commit or '(none)'}"


def statement(payload_type: str, payload: bytes) -> Statement:
    """Read a signed statement; raise ValueError for anything else."""
    if payload_type != PAYLOAD:
        raise ValueError(f"its payload is {payload_type!r}, not an in-toto statement")
    if len(payload) > LIMIT_BYTES:
        raise ValueError(f"its payload has more than {LIMIT_BYTES:,} bytes")
    try:
        document = json.loads(payload)
    except RecursionError as error:
        raise ValueError("its payload is nested too deeply") from error
    if not isinstance(document, dict) or document.get("_type") != _STATEMENT:
        raise ValueError("its payload is not an in-toto statement of version 1")
    kind, predicate, subjects = (document.get(key) for key in ("predicateType", "predicate", "subject"))
    if not isinstance(kind, str) or not isinstance(predicate, dict) or not isinstance(subjects, list):
        raise ValueError("its statement has no subject, no predicate, or no type of one")  # noqa: TRY004 - a bad value
    return Statement(kind, frozenset(_digests(subjects)), predicate)


def bundles(answer: Any) -> Sequence[Mapping[str, Any]]:
    """Give the bundles in GitHub's list of attestations; raise ValueError where it is no such list."""
    found = answer.get("attestations") if isinstance(answer, dict) else None
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise ValueError("it is not a list of attestations")
    return [one["bundle"] for one in found if isinstance(one.get("bundle"), dict)]


def _digests(subjects: list[Any]) -> Iterator[str]:
    for one in subjects:
        digests = one.get("digest") if isinstance(one, dict) else None
        digest = digests.get("sha256") if isinstance(digests, dict) else None
        if isinstance(digest, str) and _DIGEST.fullmatch(digest):
            yield f"sha256:{digest}"

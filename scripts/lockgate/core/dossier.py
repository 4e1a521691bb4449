"""The release's dossier: what every stage found out about one digest, in one JSON by schemas/dossier.schema.json.

Test and scan each hand on their evidence, the build joins them under the digest, a scan of the image adds its own, and
the rollout records the whole with its beginning. A reader checks it by the schema first: what is below believes that.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from lockgate.core.redaction import printable, shorten
from lockgate.core.release import Release

STAGES = ("test", "scan", "scan-image")
"""What can give evidence; a scan that names an image is `scan-image`."""
_WORDS = 300
_CLASSES = ("vulnerabilities", "secrets", "misconfigurations")

Evidence = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Source:
    """Where a release was built, as the runner says: all "" on a laptop."""

    repository: str = ""
    """`owner/name`."""
    ref: str = ""
    workflow: str = ""
    """The workflow file and its ref, as GitHub writes it."""
    run: str = ""


@dataclass(frozen=True, slots=True)
class Dossier:
    """Everything that is known of one release."""

    release: Release
    source: Source = field(default_factory=Source)
    build: Mapping[str, Any] = field(default_factory=dict)
    evidence: Mapping[str, Evidence] = field(default_factory=dict)
    """By stage."""
    provenance: Mapping[str, Any] | None = None
    """The attestations that were verified, and against what; None where nobody looked."""

    def with_evidence(self, found: Iterable[Evidence]) -> "Dossier":
        """Add what stages found; raise ValueError for what is about another commit or another image."""
        evidence = dict(self.evidence)
        for one in found:
            stage = one["stage"]
            if one["commit"] != self.release.commit:
                raise ValueError(f"the evidence of {stage} is about commit {one['commit'] or '(none)'}")
            if stage == "scan-image" and one["subject"] != str(self.release.artifact):
                raise ValueError(f"the evidence of {stage} is about {one['subject']}")
            evidence[stage] = one
        return replace(self, evidence=evidence)

    def to_dict(self) -> dict[str, Any]:
        """The JSON form."""
        source = self.source
        return {
            "schema": 1,
            "release": self.release.to_dict(),
            "source": {
                "repository": source.repository,
                "ref": source.ref,
                "workflow": source.workflow,
                "run": source.run,
            },
            "build": dict(self.build),
            "evidence": {stage: dict(self.evidence[stage]) for stage in STAGES if stage in self.evidence},
            "provenance": self.provenance,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Dossier":
        """Read the JSON form, which the schema allows; raise ValueError for a release that is none."""
        release = Release.from_dict(data["release"])
        if data["release"]["digest"] != release.artifact.digest:
            raise ValueError("it names two digests")
        if wrong := [stage for stage, one in data["evidence"].items() if one["stage"] != stage]:
            raise ValueError(f"what stands under {wrong[0]} is the evidence of another stage")
        bare = cls(release, Source(**data["source"]), data["build"], provenance=data["provenance"])
        return bare.with_evidence(data["evidence"].values())


def evidence(result: Mapping[str, Any]) -> Evidence | None:
    """Give what the result of a stage adds to the dossier, bounded; None for a command that adds nothing."""
    command, facts = result["command"], result["data"]
    if command not in {"test", "scan"} or not facts:
        return None
    return {
        "stage": "scan-image" if command == "scan" and result["image"] else command,
        "decision": result["decision"],
        "reason_code": result["reason_code"],
        "message": shorten(printable(result["message"]), _WORDS),
        "commit": result["commit"],
        "subject": result["image"],
        "result": digest(result),
        "facts": _tested(facts) if command == "test" else _scanned(facts),
        **({"budgets": list(result["budgets"])} if result["budgets"] else {}),
    }


def digest(document: Mapping[str, Any]) -> str:
    """Name a JSON document by the SHA-256 of its canonical form: sorted keys, no spaces, UTF-8."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return f"sha256:{hashlib.sha256(text.encode(errors='surrogatepass')).hexdigest()}"


def budgets(dossier: Mapping[str, Any] | None) -> list[Mapping[str, Any]]:
    """Give what test and build measured against their limits, from a dossier's JSON form."""
    if dossier is None:
        return []
    return [*dossier["evidence"].get("test", {}).get("budgets", ()), *dossier["build"].get("budgets", ())]


def _tested(data: Mapping[str, Any]) -> Mapping[str, Any]:
    tests, coverage = data["tests"], data["coverage"]
    counts = ("total", "passed", "failed", "errors", "skipped")
    return {
        "tests": {name: tests[name] for name in counts} if tests else None,
        "coverage": coverage["share"] if coverage else None,
    }


def _scanned(data: Mapping[str, Any]) -> Mapping[str, Any]:
    database = data["database"]
    return {
        "trivy": data["trivy"],
        "database": {name: database[name] for name in ("digest", "updated")} if database else None,
        "counts": {name: data[name]["counts"] for name in _CLASSES if name in data and data[name]["judged"]},
        "blocking": data["blocking"]["total"],
        "sbom": dict(data.get("sbom") or {}),
    }

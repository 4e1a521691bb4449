"""Good documents of every kind, small ones, from which the hostile ones are made."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lockgate.core import chain_file, leased_log
from lockgate.core.chain import BEGINNING, Chain, Link
from lockgate.core.dossier import Dossier, Source, evidence
from lockgate.core.leased_log import Head
from lockgate.core.ledger import LedgerEvent
from lockgate.core.reasons import Decision, Reason
from lockgate.core.release import Artifact, Release
from lockgate.core.result import Result

ROOT = Path(__file__).parents[2]
FIXTURES = ROOT / "tests" / "fixtures"
DIGEST = "sha256:" + "a" * 64
RELEASE = Release("shop", "v1", "c" * 40, Artifact.parse(f"image:registry.example/shop@{DIGEST}"))


def _json(document: Any) -> bytes:
    return json.dumps(document).encode()


def _files(*patterns: str) -> tuple[bytes, ...]:
    return tuple(path.read_bytes() for pattern in patterns for path in sorted(ROOT.glob(pattern)))


REPORTS = _files("tests/fixtures/trivy/report.json")
LOGS = (
    b'2026-11-23T22:56:36Z\tDEBUG\t[pip] Walk error\tfile_path="a.txt" err="failed to parse: x"\n',
    b"2026-11-23T22:56:36Z\tFATAL\tFatal error run error: init error: DB error: x\n",
    b"2026-11-23T22:56:36Z\tWARN\tplain\n\n",
)
COVERAGE = (
    *_files("tests/fixtures/coverage/*.xml"),
    b'<coverage line-rate="0.5"><class filename="a"><line number="1" hits="1"/><line number="2" hits="0"/></class></coverage>',
)
JUNIT = (
    *_files("tests/fixtures/junit/*.xml"),
    b'<testsuite><testcase name="t" time="1,2"><failure message="m">a/b.py:12: x</failure></testcase></testsuite>',
    b'<testsuites><testsuite name="s"><testcase name="u"><skipped/></testcase></testsuite></testsuites>',
)
CONFIGS = _files("tests/fixtures/config/valid/*.yml", "examples/storefront/lockgate.yml")
IGNORES = (b"# why\n*.pyc\n!keep.pyc\n**/node_modules\ndocs/[a-z]?/*\n\\!x\n", *_files(".dockerignore"))
DOCKERFILES = _files("Dockerfile", "examples/storefront/Dockerfile")
_DESCRIPTOR = {"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "digest": DIGEST, "size": 5}
MANIFESTS = (
    _json({"schemaVersion": 2, "config": _DESCRIPTOR, "layers": [_DESCRIPTOR, _DESCRIPTOR]}),
    _json({"mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [{**_DESCRIPTOR, "platform": {"os": "linux", "architecture": "amd64"}}]}),
    b"registry.example:5000/team/shop:v1@" + DIGEST.encode(),
)  # fmt: skip
OCI_CONFIGS = (_json({"architecture": "amd64", "rootfs": {"type": "layers", "diff_ids": [DIGEST, DIGEST]}}),)
ANSWERS = (_json({"status": "ok", "a": {"b": [1, {"c": 2}]}}), b"<html>Sign in</html>", _json([{"a": 1}]))
SOCKETS = (b'0{"sid": "x", "pingInterval": 25000, "pingTimeout": 20000}\x1e40', b'44{"message": "no"}')
METRICS = (
    _json({"status": "success", "data": {"resultType": "vector", "result": [{"metric": {}, "value": [1.5, "0.01"]}]}}),
    _json({"status": "success", "data": {"resultType": "scalar", "result": [1, "NaN"]}}),
    _json({"status": "error", "error": "bad_data"}),
)
RECORDINGS = (
    b'{"t": 1.5, "revision": "preview", "indicator": "availability", "good": true, "latency": 0.1}\n',
    b'{"t": 2, "revision": "active", "indicator": "latency", "good": false, "status": 500, "body": "x", "detail": "d"}\n',
    b'{"t": 3, "revision": "preview", "indicator": "latency", "good": false, "reason_code": "too_slow"}\n',
)
VEX = (
    _json({
        "@context": "https://openvex.dev/ns/v0.2.0", "@id": "urn:x", "author": "a", "timestamp": "2026-01-01T00:00:00Z", "version": 1,
        "statements": [
            {"vulnerability": {"name": "CVE-1"}, "products": [{"@id": "pkg:oci/shop", "subcomponents": [{"@id": "pkg:pypi/x@1"}]}], "status": "not_affected", "justification": "component_not_present"},
            {"vulnerability": "CVE-2", "products": ["pkg:pypi/y"], "status": "fixed"},
        ],
    }),
)  # fmt: skip
RECORDS = (
    _json({
        "schema": 1, "artifact": str(RELEASE.artifact), "at": "2026-01-01T00:00:00+00:00", "trivy": "0.76.0", "database": DIGEST,
        "database_updated": "x", "left_out": 0, "packages": {"a": ["1", "2"]},
        "findings": [{"kind": "vulnerability", "id": "CVE-1", "severity": "HIGH", "file": "f", "line": 1, "since": "2026-01-01"}],
    }),
)  # fmt: skip
ATTESTATIONS = (
    _json({"_type": "https://in-toto.io/Statement/v1", "predicateType": "https://slsa.dev/provenance/v1", "predicate": {"a": 1}, "subject": [{"name": "x", "digest": {"sha256": "a" * 64}}]}),
    _json({"attestations": [{"bundle": {"mediaType": "x"}, "bundle_url": "u"}]}),
)  # fmt: skip
LAYERS = (b"0\tCMD x\n5\tRUN a\n1\t\n",)
CLAIMS = (b"\x0c\x05plain", b"\x0c\x81\x80" + b"a" * 128, b"\x0c\x82\x01\x00" + b"a" * 256)
TESTED = {"tests": {"total": 3, "passed": 3, "failed": 0, "errors": 0, "skipped": 0}, "coverage": {"share": 0.9}}
SCANNED = {
    "vulnerabilities": {"judged": True, "counts": {"HIGH": 2}},
    "blocking": {"total": 0},
    "trivy": "0.76.0",
    "database": {"updated": "x", "digest": DIGEST},
    "sbom": {"cyclonedx": DIGEST},
}


def _evidence(command: str, data: Any, image: str = "") -> Any:
    result = Result(command, Decision.PASSED, Reason.OK, "x", commit=RELEASE.commit, image=image, data=data)
    return evidence(result.to_dict())


FOUND = (_evidence("test", TESTED), _evidence("scan", SCANNED), _evidence("scan", SCANNED, str(RELEASE.artifact)))
EVIDENCE = (*map(_json, FOUND), b"\n".join(map(_json, FOUND)))
BUILD = {"builder": "docker", "size": 5, "epoch": 1, "base": ["python:3"], "parts": [{"name": "a", "size": 5}]}
DOSSIERS = (_json(Dossier(RELEASE, Source("o/r", "r", "w", "u"), BUILD).with_evidence(FOUND).to_dict()),)
LINK = Link(1, "r1", 0, 7, "2026-11-01T00:00:00.000+00:00", "x", "shop", "production", '{"a": 1}', "0" * 64)
EXPORTS = ("".join(chain_file.write(Chain(1, LINK.hash, 0, BEGINNING), [LINK])).encode(),)
_EVENT = LedgerEvent("r1", 0, "2026-11-28T12:00:00.000+00:00", "x", "shop", "production", {"a": {"$parts": ["0" * 64]}})
_LEASED = Head().claimed(Head().place("shop", "production"), "ada", "c", datetime(2026, 11, 28, tzinfo=UTC), 60)
HEADS = (
    _LEASED.with_event(leased_log.link(_EVENT, 1), leased_log.link(_EVENT, 1).data).moved_to(0, 1).dump().encode(),
)
AZURE = (
    _json({"error": {"code": "Conflict", "message": "m", "details": [{"message": "d"}], "innererror": {"code": "x"}}}),
    _json({"Code": "BadRequest", "Message": "m", "Details": [{}]}),
    _json({"errors": [{"code": "DENIED", "message": "AADSTS700213: x"}]}),
    _json({"status": "Succeeded", "properties": {"provisioningState": "InProgress"}}),
)
WORDS = (str(RELEASE.artifact).encode(), b"bundle:shop@" + DIGEST.encode(), b"5m", b"200MiB", b"99.9%", b"1h30m")
TEXTS = (b"plain text, \xc3\xa9 and `code`\nsecond line", b"::error file=a,line=1::x\r\n##[group]y\x1b[0m", b"a" * 400)

"""Every parser of text that comes from outside, and what each may raise. Anything else is a bug.

A target gets a document and says whether the parser accepted it. What is accepted is used as Lockgate uses it: a parser
that lets something through on which the next line stumbles has failed as well.
"""

import io
import json
import re
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from lockgate.adapters import config_file, dossier_file, sigstore_bundle
from lockgate.adapters.runner import Runner
from lockgate.adapters.yaml_positions import NotReadableError, read
from lockgate.core import (
    answers,
    attestation,
    azure_answers,
    chain_file,
    coverage,
    dockerfile_rules,
    engineio,
    image_build,
    junit,
    leased_log,
    log_parts,
    log_recent,
    markdown,
    metric,
    oci,
    openvex,
    recording,
    redaction,
    security_headers,
    sign_in,
    trivy_ignores,
    trivy_log,
    trivy_report,
)
from lockgate.core.bundle_manifest import Ignore
from lockgate.core.chain import damages
from lockgate.core.config import VersionConfig
from lockgate.core.dossier import Dossier, evidence
from lockgate.core.probe_config import ProbeConfig, ProbeKind
from lockgate.core.quantities import parse_duration, parse_share, parse_size
from lockgate.core.release import Artifact
from lockgate.core.samples import Role
from lockgate.core.scan_record import ScanRecord
from lockgate.errors import DossierInvalidError
from tests.fuzz import seeds
from tests.standins.sigstore import Sigstore

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 11, 28, tzinfo=UTC)
_PROBES = (
    ProbeConfig(),
    ProbeConfig(json={"status": "ok", "a.b.0": 1, "a.\u00b2": None}),
    ProbeConfig(headers={"X-Version": "v*", "Location": "*x*"}, body="a*b"),
    ProbeConfig(kind=ProbeKind.SECURITY_HEADERS),
    ProbeConfig(redirect_to_https=True),
)
_SIGSTORE = Sigstore()
COMMANDS = re.compile(r"(?m)^\s*::|##\[")
"""What GitHub's runner would obey."""


@dataclass(frozen=True)
class Target:
    """One parser."""

    name: str
    run: Callable[[bytes], object]
    seeds: tuple[bytes, ...]
    refuses: tuple[type[Exception], ...] = field(default=(ValueError,))


def _text(data: bytes) -> str:
    return data.decode(errors="replace")


def _report(data: bytes) -> None:
    found = trivy_report.parse(data, "0.76.0")
    for finding in found.findings:
        assert COMMANDS.search(finding.title) is None or finding.title.startswith("::")
        markdown.escape(finding.title)
        json.dumps([finding.id, finding.place, finding.fix])


def _log(data: bytes) -> None:
    text = _text(data)
    for line in text.splitlines():
        str(trivy_log.unread(line))
        str(trivy_log.ignored(line))
    assert all(one.file == "Dockerfile" for one in trivy_ignores.in_dockerfile(data, "Dockerfile"))
    trivy_log.fatal(text)
    trivy_log.blames_database(text)


def _tests(data: bytes) -> None:
    for failure in junit.parse(data).failures:
        assert "##[" not in failure.detail + failure.message
        markdown.block(failure.detail)


def _config(data: bytes) -> None:
    text = _text(data)
    source = read(text)
    if not isinstance(source.document, dict):
        raise ValueError("not a mapping")  # noqa: TRY004
    config, problems = config_file.judge(source, text)
    for problem in problems:
        source.locate(problem)
    if problems:
        raise ValueError(problems)
    assert config.service


def _ignore(data: bytes) -> None:
    rules = Ignore.parse(_text(data)[:2000])
    for path in ("a", "a/b/c.py", "node_modules/x/y", "\udcff"):
        rules.leaves_out(path)


def _manifest(data: bytes) -> None:
    with suppress(ValueError):
        oci.Reference.parse(_text(data[:300]))
    if oci.is_index(data):
        for one in oci.platforms(data):
            markdown.escape(one.name)
    else:
        oci.manifest(data)


def _answer(data: bytes) -> None:
    """A service under probe answers anything at all: it is judged, never obeyed, and shown short."""
    said = dict.fromkeys(("x-version", "location", *map(str.lower, security_headers.NAMES)), _text(data[:200]))
    for answer in (answers.Answer(0.1, 200, said, data), answers.Answer(0.1, error=_text(data))):
        answers.version_of(answer, VersionConfig(json="a.b.0"))
        answers.version_of(answer, VersionConfig(header="X-Version"))
        for probe in _PROBES:
            found = answers.outcome(answer, probe, budget=0.2, host="shop.example")
            for one in found.samples(Role.CANDIDATE, 0.0):
                assert "##[" not in one.detail
                json.dumps(one.detail).encode()


def _sockets(data: bytes) -> None:
    text = _text(data)
    if not (fault := engineio.fault_of_open(text)):
        engineio.session_of(text)
    assert "##[" not in fault + engineio.fault_of_connect(text)


def _metric(data: bytes) -> None:
    metric.values(data)


def _samples(data: bytes) -> None:
    census = recording.Census()
    for line in data.splitlines()[:20]:
        one = recording.sample(line)
        census.add(one)
        recording.sample(recording.line(one).encode())


def _record(data: bytes) -> None:
    ScanRecord.from_dict(_json(data))


def _attestation(data: bytes) -> None:
    """GitHub's list, and the statement in a bundle: each may be anything until its signature was checked."""
    body = _json(data)
    if isinstance(body, dict) and "attestations" in body:
        attestation.bundles(body)
    else:
        said = attestation.statement(attestation.PAYLOAD, data)
        json.dumps(sorted(said.digests))
        str(said.is_sbom)


@cache
def _verifier() -> sigstore_bundle.Bundles:
    """Trusts the Sigstore whose bundles are the seeds; its keys are new in every process."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        file.write(_SIGSTORE.trusted_root())
        file.flush()
        return sigstore_bundle.Bundles(Path(file.name))


def _bundle(data: bytes) -> None:
    """A bundle from anywhere: either every signature in it holds, or it is refused."""
    body = _json(data)
    if not isinstance(body, dict):
        raise ValueError("no bundle")  # noqa: TRY004 - what bundles() passes on are objects
    said, kind, payload = _verifier().open(body)
    assert attestation.statement(kind, payload).digests == {seeds.DIGEST}
    assert said.commit == "c" * 40


def _claim(data: bytes) -> None:
    sigstore_bundle.utf8(data)


def _evidence(data: bytes) -> None:
    found = dossier_file.evidence(_text(data))
    if not found:
        raise ValueError("nothing")
    Dossier(seeds.RELEASE).with_evidence(found)


def _dossier(data: bytes) -> None:
    document = _json(data)
    dossier_file.check(document, "it")
    again = Dossier.from_dict(document).to_dict()
    assert list(again) == list(document) or set(again) == set(document)


def _export(data: bytes) -> None:
    chain, links = chain_file.read(_text(data).splitlines())
    assert all(isinstance(one.position, int) for one in damages(chain, links))


def _head(data: bytes) -> None:
    head = leased_log.Head.load(_text(data))
    for place in head.places.values():
        place.is_held(NOW)
    for link in head.tail:
        leased_log.spooled(link)
        log_parts.named(link.data)
        with suppress(KeyError, ValueError):
            log_parts.put_back(link.data, dict.fromkeys(log_parts.named(link.data), "{}"))
    log_recent.merged(head.tail, head.tail)
    assert leased_log.Head.load(head.dump()) == head
    list(damages(head.chain, head.tail))


def _azure(data: bytes) -> None:
    body = _json(data)
    said = azure_answers.read_error(body)
    sign_in.explain(said.message, tenant="t", client="c", claims={"sub": said.code})
    for polling in (True, False):
        azure_answers.standing(202, body, polling_status=polling)
    azure_answers.provisioning(body)


def _words(data: bytes) -> None:
    """What enters by inputs of the workflow: names, quantities, artifacts."""
    text = _text(data)
    for parse in (Artifact.parse, parse_duration, parse_size, parse_share):
        try:
            parse(text)
        except ValueError as error:
            redaction.printable(str(error))
    Artifact.parse(text)


def _outputs(data: bytes) -> None:
    """What leaves for GitHub: a hostile text sets no other output, and gives no command of its own."""
    text = _text(data)
    log = io.StringIO()
    runner = Runner({"GITHUB_ACTIONS": "true"}, stdout=log)
    runner.annotate("error", text, file=text, title=text)
    runner.mask(text)
    lines = log.getvalue().split("\n")
    assert lines.pop() == ""
    assert all(line.startswith(("::error", "::add-mask::")) for line in lines)
    assert "\r" not in log.getvalue()
    assert "##[" not in redaction.printable(text)
    block = markdown.block(text).split("\n")
    assert block[0] not in block[1:-1]
    assert "\n" not in markdown.code(text) + markdown.escape(text)
    result = {
        "command": "test",
        "decision": "failed",
        "reason_code": "x",
        "message": text,
        "commit": text,
        "budgets": [],
    }
    one = evidence({**result, "image": text, "data": {"tests": None, "coverage": None}})
    json.dumps(one).encode()


def _json(data: bytes) -> object:
    try:
        return json.loads(data)
    except RecursionError as error:
        raise ValueError("deep") from error


TARGETS = (
    Target("trivy report", _report, seeds.REPORTS),
    Target("trivy log", _log, seeds.LOGS, ()),
    Target("coverage", coverage.parse, seeds.COVERAGE),
    Target("junit", _tests, seeds.JUNIT),
    Target("lockgate.yml", _config, seeds.CONFIGS, (ValueError, NotReadableError)),
    Target(".dockerignore", _ignore, seeds.IGNORES),
    Target("Dockerfile", lambda data: dockerfile_rules.examine(_text(data)), seeds.DOCKERFILES, ()),
    Target("oci manifest", _manifest, seeds.MANIFESTS),
    Target("image layers", lambda data: image_build.layers(_text(data)), seeds.LAYERS, ()),
    Target("oci config", oci.diff_ids, seeds.OCI_CONFIGS),
    Target("http answer", _answer, seeds.ANSWERS, ()),
    Target("engine.io", _sockets, seeds.SOCKETS, ()),
    Target("metric", _metric, seeds.METRICS, (metric.NoDataError,)),
    Target("recording", _samples, seeds.RECORDINGS, (recording.NotASampleError,)),
    Target("openvex", lambda data: openvex.read(data, "file"), seeds.VEX),
    Target("scan record", _record, seeds.RECORDS),
    Target("attestation", _attestation, seeds.ATTESTATIONS),
    Target("signed bundle", _bundle, (json.dumps(_SIGSTORE.bundle(seeds.DIGEST)).encode(),)),
    Target("certificate claim", _claim, seeds.CLAIMS),
    Target("evidence", _evidence, seeds.EVIDENCE, (ValueError, DossierInvalidError)),
    Target("dossier", _dossier, seeds.DOSSIERS, (ValueError, DossierInvalidError)),
    Target("ledger export", _export, seeds.EXPORTS),
    Target("ledger head", _head, seeds.HEADS),
    Target("azure error", _azure, seeds.AZURE),
    Target("inputs", _words, seeds.WORDS),
    Target("outputs", _outputs, seeds.TEXTS, ()),
)
BY_NAME = {target.name: target for target in TARGETS}


def attempt(target: Target, document: bytes) -> bool:
    """Give the parser a document; say whether it took it. Anything but the errors it may raise comes through."""
    try:
        target.run(document)
    except target.refuses:
        return False
    return True

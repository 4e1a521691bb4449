"""What Lockgate adds to Trivy's own time: `python -m bench.scan`. Ends with 1 above a limit, or where it is not linear.

The real Trivy scans a real database of made-up vulnerabilities. Our seconds are everything that is not Trivy running:
holding the binary to its pin, reading the report strictly, judging, telling. Memory is this process's own peak. Python
may keep what it compiled, as it does where Lockgate is installed; the first run of each case, which may compile, is not
counted, and what it cost is told beside the others: that is a job on a fresh machine.
"""

import argparse
import io
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from lockgate.adapters.console import Console
from lockgate.commands import scan
from lockgate.commands.project import Project
from tests.fixtures.trivy_db import bolt

CASES = (0, 1_000, 10_000, 100_000)
EACH = 50
"""Vulnerabilities of a package; two packages share theirs, as one bucket holds at most 65,535."""
SECONDS, MEGABYTES, AT = 0.3, 100.0, 1_000
BUSY = 1.5
CROOKED = 1.5
"""How much more than ten times the time of ten thousand findings a hundred thousand may take."""
_SOURCE = "pip::GitHub Security Advisory pip"
_TEXT = "Made up for a measurement, and as long as what an advisory says about one vulnerability usually is. " * 6
_CONFIG = """\
service: bench
build: {kind: docker}
scan: {secrets: false, misconfiguration: false, database: db, max_age: 24h}
"""


def main() -> int:
    """Measure and tell."""
    parser = argparse.ArgumentParser(prog="python -m bench.scan", description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="how often each is run; the median counts")
    parser.add_argument("--one", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        return _one(arguments.one)
    console, measured, fresh = Console(sys.stdout), {}, 0.0
    for findings in CASES:
        with tempfile.TemporaryDirectory(prefix="lockgate-bench-") as folder:
            _make(Path(folder), findings)
            if findings == AT:
                fresh = _run(Path(folder), findings, PYTHONPYCACHEPREFIX=f"{folder}/compiled")[0]
            _run(Path(folder), findings)
            runs = [_run(Path(folder), findings) for _ in range(arguments.runs)]
        measured[findings] = tuple(statistics.median(column) for column in zip(*runs, strict=True))
    console.table(
        f"lockgate scan, medians of {arguments.runs} runs",
        ("findings", "ours, s", "of the processor, s", "Trivy's, s", "our memory, MB"),
        ((f"{n:,}", *(f"{one:.3f}" for one in seconds), f"{memory:.0f}") for n, (*seconds, memory) in measured.items()),
    )
    console.step(f"{fresh:.3f} s for {AT:,} findings where nothing was compiled before")
    own, used, _, memory = measured[AT]
    few, many = (measured[n][1] - measured[0][1] for n in CASES[-2:])
    if own > BUSY * used:
        console.warn(f"others used the machine: {own:.3f} s went by for {used:.3f} s of the processor")
    wrong = [
        f"{own:.3f} s of our own for {AT:,} findings; the limit is {SECONDS:g} s" if own >= SECONDS else "",
        f"{memory:.0f} MB for {AT:,} findings; the limit is {MEGABYTES:g} MB" if memory >= MEGABYTES else "",
        f"not linear: ten times the findings take {many / few:.1f} times as long" if many > CROOKED * 10 * few else "",
    ]
    for text in filter(None, wrong):
        console.bad(text)
    if not any(wrong):
        console.good(
            f"{own:.3f} s and {memory:.0f} MB for {AT:,} findings (limits {SECONDS:g} s, {MEGABYTES:g} MB); "
            f"ten times the findings take {many / few:.1f} times as long"
        )
    return int(any(wrong))


def _run(folder: Path, findings: int, **more: str) -> tuple[float, float, float, float]:
    """Scan in a process of its own, whose memory is nobody else's; give ours, the processor's, Trivy's seconds, MB."""
    command = [sys.executable, "-m", "bench.scan", "--one", str(folder)]
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"} | more
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    said = json.loads(done.stdout)
    if said["findings"] != findings:
        raise SystemExit(f"{findings} findings were planted, {said['findings']} were found")
    return said["own"], said["used"], said["tool"], said["megabytes"]


def _one(folder: Path) -> int:
    words = argparse.Namespace(config=str(folder / "lockgate.yml"), state_dir=str(folder / "state"), json=True)
    opened = Project.open(words)
    project = Project(
        opened.root, opened.config_path, opened.state_path, opened.runner, Console(io.StringIO()), opened.clock
    )
    before = time.process_time()
    result = scan.run(project, argparse.Namespace())
    used = time.process_time() - before
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    counts = result.data["vulnerabilities"]["counts"]
    seconds = {"own": result.seconds.own, "used": used, "tool": result.seconds.tool}
    said = {**seconds, "megabytes": peak, "findings": sum(counts.values())}
    print(json.dumps(said))
    return 0


def _make(folder: Path, findings: int) -> None:
    """Write a source whose packages have so many vulnerabilities, and a database that knows them."""
    packages = [f"lockgate-made-up-{number}" for number in range(findings // EACH)]
    ids = {
        name: [f"CVE-0000-{number // 2:05}{each:02}" for each in range(EACH)] for number, name in enumerate(packages)
    }
    advisory = _json({"PatchedVersions": ["2.0"], "VulnerableVersions": ["<2.0"]})
    detail = _json({"Title": "made up for a measurement", "Description": _TEXT, "Severity": "HIGH",
                    "References": [f"https://example.invalid/{n}" for n in range(5)]})  # fmt: skip
    (folder / "db").mkdir()
    tree: bolt.Tree = {
        _SOURCE: {name: dict.fromkeys(found, advisory) for name, found in ids.items()},
        "data-source": {_SOURCE: _json({"ID": "ghsa", "Name": "made up", "URL": "https://example.invalid"})},
        "vulnerability": {name: detail for found in ids.values() for name in found},
    }
    bolt.write(folder / "db" / "trivy.db", tree)
    now = datetime.now(UTC).isoformat()
    times = {"Version": 2, "UpdatedAt": now, "DownloadedAt": now, "NextUpdate": "2099-01-01T00:00:00Z"}
    (folder / "db" / "metadata.json").write_text(json.dumps(times), encoding="utf-8")
    lines = [f"{name}==1.0" for name in packages] or ["lockgate-made-up-harmless==1.0"]
    (folder / "requirements.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "lockgate.yml").write_text(_CONFIG, encoding="utf-8")


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


if __name__ == "__main__":
    raise SystemExit(main())

"""How long the command takes to start, against Python alone: `python -m bench.start`. Ends with 1 above the limit."""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from lockgate.adapters.console import Console
from lockgate.adapters.runner import Runner

RUNS = 21
LIMIT = 4.0
"""`lockgate --help` must take less than this many times what `python -c pass` takes."""
PYTHON = (sys.executable, "-I")
HELP, VALIDATE, BARE = "lockgate --help", "lockgate validate", "python -c pass"
CONFIG = """\
service: storefront
test:
  command: python -m pytest --junitxml=junit.xml --cov --cov-report=xml
build:
  bundle:
    start: python -m storefront
environments:
  staging:
    target:
      port: 8081
  production:
    approval: required
    target:
      port: 8080
"""


def main() -> int:
    """Measure and tell."""
    parser = argparse.ArgumentParser(prog="python -m bench.start", description=__doc__)
    parser.add_argument("--runs", type=int, default=RUNS, help="how often each is run (at least 15)")
    runs = max(15, parser.parse_args().runs)
    console = Console(sys.stdout)
    with tempfile.TemporaryDirectory(prefix="lockgate-bench-") as folder:
        config = Path(folder) / "lockgate.yml"
        config.write_text(CONFIG, encoding="utf-8")
        commands = {
            BARE: (*PYTHON, "-c", "pass"),
            HELP: (*PYTHON, "-m", "lockgate", "--help"),
            VALIDATE: (*PYTHON, "-m", "lockgate", "validate", "--config", str(config)),
        }
        seconds = _measure(commands, runs, Path(folder))
    bare = seconds[BARE]
    console.table(
        f"Start, medians of {runs} interleaved runs",
        ("command", "seconds", f"times {BARE}"),
        ((name, f"{took:.3f}", f"{took / bare:.2f}") for name, took in seconds.items()),
    )
    ratio = seconds[HELP] / bare
    if ratio >= LIMIT:
        console.bad(f"{HELP} takes {ratio:.2f} times what {BARE} takes; the limit is {LIMIT:g}")
        return 1
    console.good(f"{HELP} takes {ratio:.2f} times what {BARE} takes; the limit is {LIMIT:g}")
    return 0


def _measure(commands: Mapping[str, Sequence[str]], runs: int, folder: Path) -> dict[str, float]:
    """Run all of them in turn, so that a busy moment of the machine falls on each alike; the first round warms up."""
    env = Runner().bare_env()
    took: dict[str, list[float]] = {name: [] for name in commands}
    for round_ in range(runs + 1):
        for name, command in commands.items():
            started = time.perf_counter()
            done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
            if done.returncode:
                raise SystemExit(f"{name} ended with {done.returncode}:\n{done.stderr}")
            if round_:
                took[name].append(time.perf_counter() - started)
    return {name: statistics.median(values) for name, values in took.items()}


if __name__ == "__main__":
    raise SystemExit(main())

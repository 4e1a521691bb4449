"""`python -m tests.fuzz [--cases N]`: at least N hostile documents, shared out among the parsers; 1 if one stumbled.

Atheris, where it is installed, varies most of each parser's share, because it sees which lines it reaches and costs a
tenth; hypothesis the rest. A process each, as many at a time as there are cores.
"""

import argparse
import importlib.util
import json
import math
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.fuzz.targets import TARGETS

ROOT = Path(__file__).parents[2]
_ENGINES = {"hypothesis": 0.1, "atheris": 0.9} if importlib.util.find_spec("atheris") else {"hypothesis": 1.0}
"""What share of the cases each takes."""


def main() -> int:
    """Run everything, print a table."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--cases", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=int(time.time()), help="to repeat a run of hypothesis")
    parser.add_argument("--only", choices=[target.name for target in TARGETS])
    given = parser.parse_args()
    names = [given.only] if given.only else [target.name for target in TARGETS]
    share = given.cases / len(names)
    print(
        f"seed {given.seed}; {' and '.join(_ENGINES)}; {math.ceil(share):,} cases for each of {len(names)} parsers\n",
        flush=True,
    )
    print(f"{'parser':<18} {'engine':<11} {'cases':>9} {'accepted':>9} {'slowest':>9}   ", flush=True)
    began = time.monotonic()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        runs = [(name, engine) for name in names for engine in _ENGINES]
        found = list(pool.map(lambda run: _one(*run, math.ceil(share * _ENGINES[run[1]]), given.seed), runs))
    total, bugs = sum(cases for cases, _ in found), sum(not well for _, well in found)
    print(f"\n{total:,} cases in {time.monotonic() - began:.0f} s; {bugs} of {len(found)} runs ended in a traceback")
    return 1 if bugs or total < given.cases else 0


def _one(name: str, engine: str, cases: int, seed: int) -> tuple[int, bool]:
    argv = [sys.executable, "-m", "tests.fuzz.one", name, engine, str(cases), str(seed)]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False, errors="replace")
    try:
        told = json.loads(done.stdout)
    except ValueError:
        told = None
    if done.returncode or told is None:
        print(f"{name:<18} {engine:<11} STUMBLED (code {done.returncode})\n{done.stderr[-4000:]}", flush=True)
        return 0, False
    print(f"{name:<18} {engine:<11} {told['cases']:>9,} {told['taken']:>9,} {told['slowest']:>7.3f} s", flush=True)
    return told["cases"], True


if __name__ == "__main__":
    raise SystemExit(main())

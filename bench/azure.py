"""What a deploy to Azure costs beside Azure itself: `python -m bench.azure`. Ends with 1 where a target is missed.

Each deploy is the command line in a process of its own against the local Azure, over TLS, with two steps, the real
gate and as many trusted authorities as a runner has. Own seconds are the processor's, as the kernel counts them, and
the pauses that Lockgate chooses between its questions, as a clock tells that moves with them alone: no other program's
load is in them. Beside them stands what is left of the wall time without the watches that are configured and the time
in which the local Azure was answering. Memory is the most that the process had resident; beside it stands what the
client libraries alone have, without a line of ours.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from bench.azure_faults import opened
from bench.azure_looker import LOOK_SECONDS
from bench.azure_memory import LAUNCH, libraries_alone, trust_as_on_a_runner
from bench.azure_place import NEW, NEXT
from lockgate.adapters.console import Console
from tests.integration.on_azure.shop import KINDS, AzureShop, image
from tests.standins.azure import AzureStandIn
from tests.standins.azure.container_apps import ContainerApp

DEPLOYS = 5
OWN_SECONDS, MEGABYTES = 3.0, 60.0
BY_HAND = {"azure-app-service": 31, "azure-container-apps": 16}
"""Calls of an expert who looks before each change and reads back after it: docs/azure.md counts them."""
_POLL = re.compile(r"/operation(results|statuses)/", re.IGNORECASE)
_IMPORTS = "lockgate.commands.deploy, lockgate.adapters.azure.pipeline, azure.identity, azure.mgmt.core, h11"


@dataclass(frozen=True, slots=True)
class Cost:
    """What one deploy cost."""

    wall: float
    cpu: float
    megabytes: float
    """Of a million bytes."""
    calls: int
    """To the Resource Manager, polls of operations not included."""
    polls: int
    by_name: Counter[str]


def main() -> int:
    """Measure and tell."""
    parser = argparse.ArgumentParser(prog="python -m bench.azure", description=__doc__)
    parser.add_argument("--deploys", type=int, default=DEPLOYS, help=f"of each target (default: {DEPLOYS})")
    parser.add_argument("--calls", action="store_true", help="print which calls the last deploy made")
    deploys, tells = vars(parser.parse_args()).values()
    console, rows, missed = Console(sys.stdout), [], False
    for kind in KINDS:
        costs = measure(kind, deploys)
        wall, cpu = median(one.wall for one in costs), median(one.cpu for one in costs)
        paused, memory, last = pauses(kind), max(one.megabytes for one in costs), costs[-1]
        missed |= cpu + paused > OWN_SECONDS or memory > MEGABYTES or last.calls > BY_HAND[kind]
        seconds = [f"{one:.2f}" for one in (cpu + paused, cpu, paused, wall)]
        rows.append([kind, *seconds, f"{memory:.1f}", str(last.calls), str(BY_HAND[kind]), str(last.polls)])
        for name, count in last.by_name.items() if tells else ():
            console.step(f"{kind}: {count} x {name}")
    header = ["target", "own s", "processor", "pauses", "wall", "MB, most", "calls", "by hand", "polls"]
    console.table(f"A deploy in two steps, median of {deploys}", header, rows)
    bare, loaded = importing("json"), importing(_IMPORTS)
    console.step(f"import of all that a deploy needs: {loaded - bare:.2f} processor s (Python itself: {bare:.2f})")
    for name, megabytes in libraries_alone():
        console.step(f"{megabytes:5.1f} MB: {name}")
    if missed:
        console.bad(f"a target is missed: {OWN_SECONDS:g} s of its own, {MEGABYTES:g} MB, no more calls than by hand")
    return int(missed)


def measure(kind: str, deploys: int) -> list[Cost]:
    """Deploy so often to one target."""
    with tempfile.TemporaryDirectory(prefix="azure-") as folder, AzureStandIn(Path(folder)) as azure:
        trust_as_on_a_runner(azure)
        shop = AzureShop(Path(folder), azure, kind)
        if isinstance(shop.app, ContainerApp):
            shop.app.page = 50
        shop.begin()
        return [_deploy(shop, azure, f"2.{number}") for number in range(deploys + 1)][1:]


def _deploy(shop: AzureShop, azure: AzureStandIn, version: str) -> Cost:
    words = ["deploy", "production", "--image", f"image:{image(azure, version)}", "--version", version]
    env = {"PATH": os.environ["PATH"], "HOME": str(shop.root), **azure.environment}
    azure.server.exchanges.clear()
    azure.server.busy_seconds = 0.0
    began = time.perf_counter()
    command = [sys.executable, "-P", "-m", "lockgate", words[0], "--json", *words[1:]]
    # Not from this process: Linux would count its memory as the child's, until the child is another program.
    done = subprocess.run([*LAUNCH, *command], cwd=shop.root, env=env, capture_output=True, check=False)
    wall = time.perf_counter() - began
    result: dict[str, Any] = json.loads(done.stdout)
    if done.returncode:
        raise RuntimeError(result["message"])
    cpu, megabytes = map(float, done.stderr.splitlines()[-1].split())
    names = [f"{one.request.method} {one.request.path.replace(shop.app.path, 'app')}" for one in azure.server.exchanges]
    asked = [name for name in names if name.split()[1].startswith(("app", "/subscriptions/"))]
    calls = Counter(name for name in asked if not _POLL.search(name))
    left = wall - result["seconds"]["watching"] - azure.server.busy_seconds
    polls = len(asked) - calls.total()
    return Cost(left, cpu, megabytes, calls.total(), polls, calls)


def pauses(kind: str) -> float:
    """Give the seconds that one deploy waits by its own choice, its watches not included."""
    with opened(kind) as place:
        place.reset()
        place.deploy(NEW)  # the first one also ends that traffic follows "the latest" revision
        place.looker.passed.clear()
        began = place.clock.monotonic()
        place.deploy(NEXT)
        return place.clock.monotonic() - began - LOOK_SECONDS * len(place.looker.passed)


def importing(modules: str) -> float:
    """Give the processor seconds of a Python that imports these; the best of five."""
    code = f"import {modules}, resource; r = resource.getrusage(0); print(r.ru_utime + r.ru_stime)"
    command = [sys.executable, "-P", "-c", code]
    return min(float(subprocess.run(command, check=True, capture_output=True).stdout) for _ in range(5))


if __name__ == "__main__":
    raise SystemExit(main())

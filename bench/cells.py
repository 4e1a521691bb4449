"""One cell of the crash matrix: a rollout under load, a fault at one boundary, `lockgate recover`, and what is then."""

import asyncio
import json
import os
import sqlite3
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.cut_off import AWAY, MARK
from bench.load import run_load
from tests.integration.rollout.shop import Shop

DRIVER = Path(__file__).with_name("cut_off.py")
CONNECTIONS, RATE = 4, 60.0
COMMAND_SECONDS = 60.0
SCENARIOS: Mapping[str, Mapping[str, Any]] = {
    "good": {},
    "rolls back": {"errors_behind_proxy": True},
    "aborts": {"mode": "html"},
}
"""How the release behaves: it stays; it fails as soon as users reach it; it fails before they do."""
EFFECTS_DONE = {"happened.previewed", "happened.shifted", "happened.retired"}
PATIENCE = "9s"
EXPECTED = ("caddy", "service")
"""What runs when nothing is under way."""
GATE = {"rate": 50, "minimum_span": "200ms", "bake": "600ms", "pre_promotion": "20s", "verify": "20s"}


@dataclass(frozen=True, slots=True)
class Boundary:
    """A point of the journal: before or after the `number`-th of its lines of this kind is written."""

    scenario: str
    moment: str
    line: str
    number: int = 1

    def __str__(self) -> str:
        return f"{self.scenario}: {self.moment} {self.line.replace('_', ' ')} {self.number}"


@dataclass(frozen=True, slots=True)
class Cell:
    """How it ended."""

    outcome: str
    """What the ledger says became of the rollout; "none" where not even its beginning was written."""
    lost: int
    """Requests without an answer, or answered badly by a release that was healthy."""
    broken: int
    """Requests answered badly by the release that is broken: they were its users."""
    requests: int
    complaints: tuple[str, ...]
    """What is not as it must be."""


class Bench:
    """One service with a healthy release in production and others built, ready to be deployed and cut off."""

    def __init__(self, root: Path) -> None:
        self.shop = Shop(root, strategy={"steps": [50, 100], "pause": "400ms", "drain": "2s"})
        self.shop.gate.update(GATE)
        # Speed is not what is asked here, and a busy machine must not decide.
        self.shop.gate["probes"][0]["timeout"] = self.shop.config["budgets"]["response"] = PATIENCE
        self.shop.write()
        self._images: dict[str, str] = {}
        self._begin()

    def _begin(self) -> None:
        code, _, err = self.shop.lockgate("deploy", "production", *self._words("1.0"))
        if code != 0:
            raise RuntimeError(err)

    def begin_anew(self) -> None:
        """Forget what a cell that ended wrong has left, so that the next one does not suffer from it."""
        self.shop.lockgate("stop")
        for file in self.shop.state.glob("ledger.db*"):
            file.unlink()
        self._begin()

    def boundaries(self, scenario: str) -> Iterator[Boundary]:
        """Rehearse a scenario without a fault, and give every point where it could be cut off."""
        self.shop.finish(self.shop.start("deploy", "production", *self._candidate(scenario)))
        seen: Counter[str] = Counter()
        for line, _ in self._journal():
            seen[line] += 1
            # The effect is done, and nobody wrote it down. Between other lines nothing happens.
            if line in EFFECTS_DONE:
                yield Boundary(scenario, "before", line, seen[line])
            yield Boundary(scenario, "after", line, seen[line])

    async def cut_off(self, boundary: Boundary, fault: str) -> Cell:
        """Deploy under load, let the fault happen, recover, and look."""
        words = self._candidate(boundary.scenario)
        before, candidate, earlier = self.shop.serving(), words[-1], self._rollouts()
        stop = asyncio.Event()
        url = f"http://127.0.0.1:{self.shop.port}/"
        load = asyncio.create_task(run_load(url, connections=CONNECTIONS, rate=RATE, stop=stop))
        at = (boundary.moment, boundary.line, str(boundary.number))
        ended = await self._run(DRIVER, fault, *at, "deploy", "production", *words)
        self._let_the_fault_pass()
        code, said = await self._run("-m", "lockgate", "recover")
        stop.set()
        report = await load
        complaints = [f"a traceback: {told}" for told in (ended[1], said) if "Traceback" in told]
        if not (mark := self.shop.state / MARK).exists():
            complaints.append(f"it was not cut off: {ended[1]}")
        mark.unlink(missing_ok=True)
        if code != 0:
            complaints.append(f"recover ended with {code}: {said}")
        outcome = self._outcome() if self._rollouts() > earlier else "none"
        # In a thread: the other cells' load runs in this one.
        reached = candidate in report.by_version or candidate in report.bad_by_version
        complaints += await asyncio.to_thread(lambda: list(self._wrong(outcome, before, candidate, reached=reached)))
        bad = sum(count for version, count in report.bad_by_version.items() if version != "bad")
        broken = report.bad_by_version.get("bad", 0)
        return Cell(outcome, report.failed + bad, broken, report.requests, tuple(complaints))

    def close(self) -> None:
        """End everything it started."""
        self.shop.close()

    def _candidate(self, scenario: str) -> list[str]:
        if scenario != "good":
            return self._words("bad", **SCENARIOS[scenario])
        return self._words("2.0" if self.shop.serving() == "1.0" else "1.0")

    def _words(self, version: str, **behaviour: Any) -> list[str]:
        key = json.dumps([version, behaviour])
        if key not in self._images:
            self._images[key] = self.shop.build(version, **behaviour)
        # A release that was rolled back in the last cell is none the worse for it.
        return ["--again", "--image", self._images[key], "--version", version]

    async def _run(self, *words: str | Path) -> tuple[int, str]:
        env = {k: v for k, v in os.environ.items() if not k.startswith(("GITHUB_", "LOCKGATE_", "ACT", "COVERAGE_"))}
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", *map(str, words)),
            cwd=self.shop.root,
            env=env,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            async with asyncio.timeout(COMMAND_SECONDS):
                said, _ = await process.communicate()
        except TimeoutError:
            process.kill()
            await process.wait()
            return -1, "it did not end"
        return process.returncode or 0, said.decode()

    def _let_the_fault_pass(self) -> None:
        ledger = self.shop.state / "ledger.db"
        if ledger.is_dir():
            ledger.rmdir()
            ledger.with_suffix(AWAY).rename(ledger)
        # Stand in for the minute after which a dead holder's lease is free.
        with closing(sqlite3.connect(ledger)) as db, db:
            db.execute("update leases set expires_at = '2020-01-01T00:00:00+00:00'")

    def _wrong(self, outcome: str, before: str, candidate: str, *, reached: bool) -> Iterator[str]:
        yield from self._dishonest(outcome, before, candidate, reached=reached)
        yield from self._left_over()

    def _dishonest(self, outcome: str, before: str, candidate: str, *, reached: bool) -> Iterator[str]:
        """Hold the outcome against what serves, and whether any user `reached` the candidate.

        A shift that was only intended, and cut off before it was made, is none.
        """
        serving = self.shop.serving()
        made = any(kind == "happened.shifted" for kind, _ in self._journal())
        shifted = outcome != "none" and (made or reached)
        expected = "deployed" if serving == candidate else "rolled_back" if shifted else "aborted"
        if outcome not in {expected, "none"} or serving not in {before, candidate}:
            yield f"the ledger says {outcome}, {serving or 'nobody'} serves, and traffic was {shifted=}"

    def _left_over(self) -> Iterator[str]:
        """Yield what is not one healthy verified revision with all of the traffic, and nothing besides."""
        _, status, _ = self.shop.lockgate("status")
        (row,) = status["data"]["environments"]
        good = (row["traffic"], row["alive"], row["verified"]) == (f"100% {self.shop.serving()}", True, "yes")
        if not good or row["version"] == "bad":
            yield f"what serves: {row}"
        records = [path.stem for path in (self.shop.state / "targets").glob("*/*/revisions/*.json")]
        if len(records) != 1:
            yield f"revisions that are still known: {records}"
        if len(running := self.processes()) != len(EXPECTED):
            yield f"processes: {running}"

    def processes(self) -> list[str]:
        """Give the programs that run inside this project's folder: the proxy and the service, if all is well."""
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if process.joinpath("cwd").readlink().is_relative_to(self.shop.state):
                    found.append(process.joinpath("cmdline").read_text().replace("\0", " ").strip())
        return found

    def _outcome(self) -> str:
        kind, data = self._journal()[-1]
        return str(data["outcome"]) if kind == "rollout.finished" else "in_progress"

    def _rollouts(self) -> int:
        with closing(sqlite3.connect(self.shop.state / "ledger.db")) as db:
            (count,) = db.execute("select count(distinct rollout) from events").fetchone()
            return int(count)

    def _journal(self) -> list[tuple[str, dict[str, Any]]]:
        with closing(sqlite3.connect(self.shop.state / "ledger.db")) as db:
            rows = db.execute(
                "select kind, data from events where rollout = (select rollout from events where kind = "
                "'rollout.started' order by at desc limit 1) order by seq"
            )
            return [(kind, json.loads(data)) for kind, data in rows]

"""A ledger with a past: rollouts told by the real state machine, and judged by the real gate on samples drawn by chance."""

import hashlib
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from lockgate.adapters.clock import SystemClock
from lockgate.adapters.sqlite_ledger import SqliteLedger
from lockgate.core.gate import Gate
from lockgate.core.ledger import LedgerEvent, SpooledEvent, fence_of
from lockgate.core.release import Artifact, ArtifactKind, Release
from lockgate.core.rollout import advance, begin
from lockgate.core.rollout_model import EffectKind, Event, EventKind, Phase, Plan, Standing, Watch
from lockgate.core.samples import Fault, GateSpec, Objective, Role, Sample, Verdict

SPEC = GateSpec(
    (Objective("availability", 0.01, 0.05), Objective("latency", 0.05, 0.15)),
    alpha=0.01, duration=30.0, minimum_samples=50, minimum_span=2.0, early_pass=False, compare=False,
)  # fmt: skip
RATE = 20
"""Samples a second."""
TOOK = {EffectKind.DEPLOY_PREVIEW: 14.0, EffectKind.SHIFT: 0.4, EffectKind.INTEGRATE: 9.0}
"""Seconds of an effect; 3 of any other."""
ACTORS, REVIEWERS = ("ada", "grace", "linus", "barbara"), ("margaret", "edsger")
SUBJECTS = (
    "Show how many are looking", "Ask for the postcode once", "Round prices as the till does", "Find by colour, too",
    "Keep the basket for a week", "Answer in gzip", "Name the courier", "Sort by what people buy",
)  # fmt: skip


@dataclass
class Rollout:
    """One rollout, told event by event. `fails` is the watch at which the release turns out to be bad."""

    id: str
    service: str
    environment: str
    version: str
    at: datetime
    baseline: Standing | None = None
    fails: Watch | None = None
    steps: tuple = (10, 50, 100)
    seed: int = 1
    subject: str = ""
    _seq: int = 0
    draw: random.Random = field(default_factory=random.Random)

    def __post_init__(self):
        self.draw.seed(f"{self.id} {self.seed}")

    @property
    def release(self):
        digest = hashlib.sha256(f"{self.service} {self.version}".encode()).hexdigest()
        artifact = Artifact(ArtifactKind.IMAGE, f"registry.example/{self.service}", f"sha256:{digest}")
        return Release(self.service, self.version, digest[:40], artifact)

    def events(self):
        """Yield the journal from its beginning to its end; it may be left half-way."""
        actor = self.draw.choice(ACTORS)
        approval = self.draw.choice(REVIEWERS) if self.environment == "production" else ""
        plan = Plan(
            self.id, self.environment, self.release, self.baseline, self.steps, integrate=self.environment == "staging",
            actor=actor, approval=approval,
        )  # fmt: skip
        written = self.at - timedelta(hours=self.draw.uniform(1, 30))
        change = {"committed_at": written.isoformat(), "merged_at": (written + timedelta(minutes=40)).isoformat()}
        run = "https://github.com/owner/shop/actions/runs/4711"
        about = {"platform": "azure-container-apps", "run_url": run, "change": change, "dossier": self.dossier()}
        about |= {"budgets": self.measured(), "found": self.found(), "commits": self.commits()}
        yield self._event("rollout.started", {"plan": plan.to_dict(), **about})
        state = begin(plan)
        while state.effect is not None:
            effect = state.effect
            yield self._event(f"intended.{effect.kind}", effect.to_dict())
            if effect.kind is EffectKind.ANALYSE:
                report = self.judge(effect.watch)
                self.at += timedelta(seconds=report.seconds)
                yield self._event(f"analysed.{effect.watch}", report.to_dict())
                passed = report.verdict is Verdict.SUCCESSFUL
                event = Event(EventKind.JUDGED, passed=passed, reason=report.reason, message=report.message)
            else:
                self.at += timedelta(seconds=TOOK.get(effect.kind, 3.0))
                event = self._done(effect)
            yield self._event(f"happened.{event.kind}", event.to_dict())
            state = advance(state, event)
        assert state.phase is Phase.DONE
        self.stands = state.standing()
        told = {"outcome": state.outcome, "reason_code": state.reason.value, "message": state.message}
        took, p95 = self.draw.uniform(130, 330), self.draw.uniform(0.08, 0.21)
        kept = [line("deploy", 300, took, "s"), line("response_p95", 0.2, p95, "s"),
                line("availability", 0.999, 0.8 if self.fails else 0.9995, "share")]  # fmt: skip
        yield self._event(
            "rollout.finished", {**told, "standing": self.stands and self.stands.to_dict(), "budgets": kept}
        )

    def judge(self, watch):
        """Give the gate's own report on samples that are as good as this release is."""
        gate = Gate(SPEC)
        bad = 0.2 if watch is self.fails else 0.0015
        for number in range(int(SPEC.duration * RATE)):
            t = number / RATE
            good, slow = self.draw.random() >= bad, self.draw.random() < bad
            latency = self.draw.lognormvariate(-3.2, 0.4)
            told = "GET /basket answered 500: \u201cKeyError: 'visitor'\u201d"
            fault = None if good else Fault.ERROR_STATUS
            for sample in (
                Sample(t, Role.CANDIDATE, "availability", good, fault, latency, "" if good else told),
                Sample(
                    t, Role.CANDIDATE, "latency", not slow, Fault.TOO_SLOW if slow else None, latency, "took 812 ms"
                ),
            ):
                if report := gate.add(sample):
                    return report
        return gate.look(SPEC.duration)

    def dossier(self):
        """Say what tests and scan found, as the board reads it."""
        tests = {"total": 412, "passed": 409, "failed": 0, "errors": 0, "skipped": 3}
        counts = {"vulnerabilities": {"critical": 0, "high": 0, "medium": 2, "low": 11}, "secrets": {}}
        return {
            "source": {"repository": "owner/shop", "ref": "refs/heads/main", "workflow": "deploy.yml", "run": "4711"},
            "build": {"builder": "docker", "size": 84_300_000},
            "evidence": {
                "test": {"facts": {"tests": tests, "coverage": 0.937}},
                "scan-image": {"facts": {"counts": counts, "blocking": 0}},
            },
            "provenance": None,
        }

    def measured(self):
        """Say what test and build measured against their limits."""
        return [line("coverage", 0.9, 0.937, "share"), line("build", 180, self.draw.uniform(40, 170), "s"),
                line("image", 2e8, 84_300_000, "bytes")]  # fmt: skip

    def found(self):
        """Say in short what the scan found."""
        newest = {"id": f"CVE-2026-{41_210 + sum(map(ord, self.version)) % 900}", "severity": "MEDIUM", "package": "npm/left", "fixed_in": "1.3.1",
                  "since": (self.at - timedelta(days=3)).isoformat()}  # fmt: skip
        return {"at": self.at.isoformat(), "total": 13, "newest": None if self.service == "search" else newest}

    def commits(self):
        """Say what came with it."""
        listed = [
            {"sha": hashlib.sha256(f"{self.id}{number}".encode()).hexdigest()[:40], "author": self.draw.choice(ACTORS),
             "subject": self.draw.choice(SUBJECTS), "pull": 200 + number}
            for number in range(3)
        ]  # fmt: skip
        return {"since": "a" * 40, "count": 3, "listed": listed}

    def _done(self, effect):
        match effect.kind:
            case EffectKind.DEPLOY_PREVIEW:
                return Event(EventKind.PREVIEWED, revision=f"{self.service}-{self.version.replace('.', '-')}")
            case EffectKind.SHIFT:
                return Event(EventKind.SHIFTED)
            case EffectKind.INTEGRATE:
                return Event(EventKind.INTEGRATED, passed=True, message="38 integration tests passed")
            case _:
                return Event(EventKind.RETIRED, revision=effect.revision)

    def _event(self, kind, data):
        self.at += timedelta(seconds=0.05)
        self._seq += 1
        at = self.at.isoformat(timespec="milliseconds")
        return LedgerEvent(self.id, self._seq - 1, at, kind, self.service, self.environment, data)


def line(name, limit, value, unit):
    kept = value >= limit if unit == "share" else value <= limit
    return {"name": name, "limit": limit, "measured": round(value, 4), "unit": unit, "kept": kept}


def write(path, events):
    """Append events to the ledger in a file, as a rollout beside the board does."""
    SqliteLedger(path, SystemClock()).replay(
        [SpooledEvent(one, fence_of(datetime.fromisoformat(one.at))) for one in events]
    )


def month(now=None):
    """Give the events of a month and the rollout that goes on: ((events, rollouts by name), what stands where)."""
    now = now or datetime.now(UTC)
    draw, events, stands, named = random.Random(11), [], {}, {}
    for day in range(28, 0, -1):
        for number, service in enumerate(("storefront", "checkout", "search", "accounts")):
            if draw.random() > 0.45 and day > 1:
                continue
            version = f"{1 + number}.{28 - day}.{draw.randrange(4)}"
            began = now - timedelta(days=day, hours=draw.uniform(0, 9))
            bad = draw.random() < 0.13 and day > 2
            places = ("staging", "production") if service != "accounts" or day > 5 else ("staging",)
            for hours, environment in enumerate(places):
                fails = draw.choice([Watch.STEP, Watch.BAKE]) if bad and environment == "production" else None
                one = Rollout(
                    f"{service}-{version.replace('.', '-')}-{environment}", service, environment, version,
                    began + timedelta(hours=hours * 2), stands.get((service, environment)), fails,
                )  # fmt: skip
                events += one.events()
                stands[service, environment] = one.stands
                named["rolled_back" if fails else "deployed"] = one.id
    going = Rollout("storefront-going", "storefront", "production", "1.28.0", now - timedelta(minutes=4),
                    stands["storefront", "production"])  # fmt: skip
    for event in going.events():
        events.append(event)
        if event.kind == "analysed.step":
            break
    return events, {**named, "going": going.id}, stands


def standing(events):
    """Give what serves after a rollout's events."""
    return Standing.from_dict(events[-1].data["standing"])

"""Histories of a service as a ledger gets to know them, with what its metrics must be taken from."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from lockgate.core.ledger import LedgerEvent, SpooledEvent, fence_of
from lockgate.core.metrics import ROLLBACK, Ended
from lockgate.core.reasons import Outcome
from lockgate.core.release import Artifact, ArtifactKind, Release
from lockgate.core.rollout_model import Kind, Plan, Standing

BEGIN = datetime(2026, 9, 30, 21, 17, 5, 250_000, tzinfo=UTC)
PLACES = [("shop", "production"), ("shop", "staging"), ("till", "production")]


def release(letter):
    return Release("shop", letter, letter * 40, Artifact(ArtifactKind.BUNDLE, "shop", "sha256:" + letter * 64))


def started(letter, rollout, **change):
    plan = Plan(rollout, "production", release(letter), None, (100,), actor="ada", approval="")
    return {"plan": plan.to_dict(), "platform": "local", "run_url": "", "change": change}


def finished(outcome, standing):
    return {"outcome": outcome, "reason_code": "ok", "message": "", "standing": standing and standing.to_dict()}


def stands(letter, revision="blue", *, verified=True):
    return Standing(revision, release(letter), verified=verified)


def history(random, rollouts):
    """Give the events of many rollouts of every kind, and each as the metrics know it; many end in the same second."""
    entries, ended, now = [], [], BEGIN
    for number in range(rollouts):
        now += timedelta(seconds=random.choice([0, 1, 40, 900, 86_400, 400_000]))
        service, environment = random.choice(PLACES)
        letter, outcome = random.choice("abcdef01234"), random.choice([Outcome.DEPLOYED, Outcome.DEPLOYED, *Outcome])
        if number == rollouts - 1:
            outcome = Outcome.BROKEN  # and nothing comes after it
        kind = random.choice(["deploy"] * 7 + [ROLLBACK, Kind.ADOPT.value])
        written = random.choice([None, now - timedelta(hours=30), now - timedelta(days=9), now + timedelta(days=2)])
        merged = random.choice([None, now - timedelta(hours=3)])
        change = {"kind": ROLLBACK} if kind == ROLLBACK else _times(written, merged)
        data = started(letter, f"r{number:05}", **change)
        data["plan"]["kind"] = Kind.ADOPT if kind == Kind.ADOPT else Kind.DEPLOY
        live, over = now + timedelta(seconds=20), now + timedelta(seconds=60)
        before, after = measured(number)
        steps = [(now, "rollout.started", data | before)]
        if shifted := outcome is not Outcome.ABORTED and random.random() < 0.9:
            steps.append((live, "happened.shifted", {}))
        open_still = random.random() < 0.03 and number < rollouts - 1
        if not open_still:
            steps.append((over, "rollout.finished", finished(outcome, stands(letter, f"r{number}")) | after))
            ended.append(
                Ended(f"r{number:05}", service, environment, kind, outcome, letter * 40, over,
                      live if shifted else None, *(() if kind == ROLLBACK else (written, merged)))
            )  # fmt: skip
        for seq, (at, what, told) in enumerate(steps):
            said = at.isoformat(timespec="milliseconds")
            event = LedgerEvent(f"r{number:05}", seq, said, what, service, environment, told)
            entries.append(SpooledEvent(event, fence_of(now)))
    return entries, ended


def measured(number):
    """Give what a rollout's beginning and its ending say of budgets and findings; of every third nothing, as before."""
    if number % 3 == 0:
        return {}, {}
    deploy, p95, share = 40 + number * 7 % 300, number % 5 / 20, 1 - number % 7 / 1000
    newest = {
        "id": f"CVE-2026-{number:04}",
        "severity": "HIGH",
        "package": "npm/left",
        "since": "2026-09-30T00:00:00+00:00",
    }
    before = {
        "budgets": [_line("coverage", 0.9, 0.94, "share", kept=True), _line("image", 2e8, None, "bytes", kept=None),
                    {"name": "build", "kept": "perhaps"}],
        "found": {"at": "2026-09-30T00:00:00+00:00", "total": number % 4, "newest": newest if number % 4 else None},
    }  # fmt: skip
    after = {
        "budgets": [_line("deploy", 300, deploy, "s", kept=deploy <= 300), _line("response_p95", 0.2, p95, "s", kept=p95 <= 0.2),
                    _line("availability", 0.999, share, "share", kept=share >= 0.999)],
    }  # fmt: skip
    return before, after


def _line(name, limit, value, unit, *, kept):
    return {"name": name, "limit": limit, "measured": value, "unit": unit, "kept": kept}


def recent(random, rollouts):
    """Give the events of a history that ended an hour ago."""
    entries, ended = history(random, rollouts)
    by = datetime.now(UTC) - timedelta(hours=1) - ended[-1].at
    return [replace(one, event=_later(one.event, by)) for one in entries]


def unfinished(entries):
    """Give the rollouts that have no ending, the oldest first."""
    ended = {one.event.rollout for one in entries if one.event.kind == "rollout.finished"}
    return list(dict.fromkeys(one.event.rollout for one in entries if one.event.rollout not in ended))


def _later(event, by):
    times = ("committed_at", "merged_at")
    change = {name: _moved(at, by) if name in times else at for name, at in event.data.get("change", {}).items()}
    data = {**event.data, "change": change} if "change" in event.data else event.data
    return replace(event, at=_moved(event.at, by), data=data)


def _moved(at, by):
    return (datetime.fromisoformat(at) + by).isoformat(timespec="milliseconds")


def _times(written, merged):
    times = {"committed_at": written, "merged_at": merged}
    return {name: at.isoformat() for name, at in times.items() if at}

"""How the run ended: the tables on the terminal, result.json, the exit code."""

import json
from pathlib import Path
from typing import Any

from demo.facts import STAGES, Facts, Release, Stage
from lockgate.adapters.console import Console

EXPECTED = ("deployed", "rolled_back")


def as_expected(facts: Facts) -> bool:
    """Whether the releases ended as they should, and users were there to see it."""
    return tuple(release.outcome for release in facts.releases) == EXPECTED and bool(facts.load)


def show(facts: Facts, console: Console) -> None:
    """Print the tables."""
    print()
    console.table(
        "Releases",
        ["release", "what", "outcome", "reason", "seconds"],
        [[r.version, r.title, r.outcome, r.reason, f"{r.ended - r.began:.1f}"] for r in facts.releases],
    )
    console.table(
        "Where the seconds went",
        ["release", "stage", "ended", "seconds", "budget", "own", "tools", "watching", "around"],
        [_seconds(release, stage) for release in facts.releases for stage in _stages(release)],
    )
    print("  own: Lockgate itself; tools: tests, scanner, builder, service; watching: the gate; around: act, set-up\n")
    load = facts.load
    if load:
        sockets = load["websockets"]
        console.table(
            f"Users, for {load['seconds']:.0f} s of production",
            ["requests", "lost", "bad answers", "slowest", "p99", "WebSockets closed"],
            [
                [
                    f"{load['requests']:,}",
                    f"{facts.lost}",
                    ", ".join(f"{n} by {v}" for v, n in facts.bad_by_version.items()) or "0",
                    f"{load['slowest'] * 1e3:.0f} ms",
                    f"{load['p99'] * 1e3:.0f} ms",
                    f"{sockets['closed']} of {sockets['opened']}",
                ]
            ],
        )
        served = ", ".join(f"{count:,} by {version}" for version, count in load["by_version"].items())
        print(f"  Served well: {served}.")
        print("  Lost: requests without an answer, and bad answers of a verified release.\n")


def to_dict(facts: Facts) -> dict[str, Any]:
    """Give the form of result.json."""
    load = facts.load
    return {
        "expected": as_expected(facts),
        "seconds": round(facts.seconds, 3),
        "releases": [
            {
                "version": release.version,
                "commit": release.commit,
                "title": release.title,
                "outcome": release.outcome,
                "reason_code": release.reason,
                "message": release.message,
                "seconds": round(release.ended - release.began, 3),
                "stages": [
                    {
                        "stage": stage.name.lower(),
                        "decision": stage.decision,
                        "job_seconds": round(stage.ended - stage.began, 3),
                        "seconds": stage.result.get("seconds"),
                        "budget": stage.budget,
                    }
                    for stage in _stages(release)
                ],
            }
            for release in facts.releases
        ],
        "load": {
            "requests": load.get("requests", 0),
            "failed": facts.lost,
            "without_answer": load.get("failed", 0),
            "answers_by_release": load.get("by_version", {}),
            "bad_answers_by_release": facts.bad_by_version,
            "seconds": load.get("seconds", 0.0),
            "p99": load.get("p99"),
            "longest_stall": load.get("longest_stall"),
            "websockets": load.get("websockets"),
        },
    }


def write(facts: Facts, path: Path) -> None:
    """Write result.json."""
    path.write_text(json.dumps(to_dict(facts), indent=2) + "\n", encoding="utf-8")


def _stages(release: Release) -> list[Stage]:
    return [release.stages[name] for name in STAGES if name in release.stages]


def _seconds(release: Release, stage: Stage) -> list[str]:
    spent = stage.result.get("seconds") or {}
    around = stage.ended - stage.began - spent.get("total", 0.0)
    return [
        release.version,
        stage.name.lower(),
        stage.decision,
        *(f"{spent[name]:.1f}" if spent else "" for name in ("total",)),
        f"{stage.budget['limit']:g}" if stage.budget else "",
        *(f"{spent[name]:.1f}" if spent else "" for name in ("own", "tool", "watching")),
        f"{around:.1f}",
    ]

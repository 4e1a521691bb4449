"""report.html: one self-contained page for people who were not there. It loads nothing."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from string import Template
from typing import Any

from demo.facts import STAGES, Facts, Release, Stage
from lockgate.core.chart_style import STYLE, Tone
from lockgate.core.charts import Band, Bar, Row, Series, odds, stacked, timeline

_TEMPLATE = Path(__file__).with_name("page.html")
_WIDTHS = {"wide": 930.0, "narrow": 360.0}
_TONES = {"deployed": Tone.GOOD, "passed": Tone.GOOD, "rolled_back": Tone.BAD, "failed": Tone.BAD, "broken": Tone.BAD}
_VERSIONS = (Tone.FIRST, Tone.SECOND)
_WATCHES = {"pre_promotion": "before traffic", "bake": "all traffic", "restored": "restored"}


def write(facts: Facts, path: Path) -> None:
    """Write the page."""
    path.write_text(render(facts), encoding="utf-8")


def render(facts: Facts) -> str:
    """Give the page's HTML."""
    last = facts.releases[-1]
    return Template(_TEMPLATE.read_text(encoding="utf-8")).substitute(
        title="Lockgate demo: how two releases went",
        style=STYLE,
        headline=_headline(facts),
        lead=" ".join(_lead(release) for release in facts.releases),
        cards="".join(f'<div class="card"><b>{n}</b><span>{text}</span></div>' for n, text in _cards(facts)),
        timeline=_twice(lambda width: _timeline(facts, width)),
        traffic=_twice(lambda width: _traffic(facts, width)) if facts.load else "",
        explained=_explained(last),
        evidence=_twice(lambda width: _evidence(last, width)),
        watches=_table(
            [
                "judged",
                "verdict",
                "wrong answers",
                "of the serving release",
                "slow answers",
                "of the serving",
                "seconds",
            ],
            _watches(last),
            numbers=2,
        ),
        examples=_examples(last),
        stages=_table(
            ["release", "stage", "ended", "seconds", "budget", "Lockgate's own", "tools", "watching", "job around it"],
            [_seconds(release, stage) for release in facts.releases for stage in _stages(release)],
            numbers=3,
        ),
        limits=" ".join(_limits(facts)),
    )


def off_traffic(release: Release) -> float | None:
    """Give the seconds from a release's first user traffic until it had none again; None where it never went back."""
    shifts = [at for at, _ in release.told("happened.shifted")]
    return shifts[-1] - shifts[0] if shifts and release.outcome == "rolled_back" else None


def _headline(facts: Facts) -> str:
    if [release.outcome for release in facts.releases] == ["deployed", "rolled_back"]:
        return "The good release went live. The broken one was caught, and taken back."
    ends = (f"{escape(r.version)} {escape(r.outcome.replace('_', ' '))}" for r in facts.releases)
    return f"How it ended: {', '.join(ends)}."


def _lead(release: Release) -> str:
    how = {
        "deployed": "was tested, scanned, built, tried in staging and put into production: it serves.",
        "rolled_back": "passed its tests, its scan and staging, misbehaved under real traffic, and was rolled back.",
    }.get(release.outcome, f"ended as {escape(release.outcome)}: {escape(release.message)}.")
    return f"<b>{escape(release.version)}</b> (“{escape(release.title)}”) {how}"


def _cards(facts: Facts) -> Iterable[tuple[str, str]]:
    load, last = facts.load, facts.releases[-1]
    if load:
        yield f"{load['requests']:,}", f"requests by users in {load['seconds']:.0f} s of production"
        yield f"{facts.lost}", "lost: without an answer, or answered badly by a release that was verified"
        bad = facts.bad_by_version.get(last.version, 0)
        share = f"{100 * bad / load['requests']:.1f} %" if load["requests"] else "0 %"
        yield f"{bad}", f"bad answers by {escape(last.version)} while it had traffic, {share} of all"
    if (seconds := off_traffic(last)) is not None:
        yield f"{seconds:.1f} s", f"from the first user on {escape(last.version)} to all of them back"


def _timeline(facts: Facts, width: float) -> str:
    rows: list[Row] = []
    for release in facts.releases:
        rows.append(Row(f"{release.version} “{release.title}”"))
        for stage in _stages(release):
            tone = _TONES.get(stage.decision, Tone.WARN)
            took = f"{stage.ended - stage.began:.1f} s"
            detail = f"{stage.name}: {stage.decision}, {took}. {stage.result.get('message', '')}"
            label = took if stage.good else f"{stage.decision.replace('_', ' ')}, {took}"
            rows.append(Row(stage.name.lower(), (Bar(stage.began, stage.ended, tone, label, detail),)))
    return timeline(rows, (0, facts.seconds), width=width, title="The stages of both releases over time")


def _traffic(facts: Facts, width: float) -> str:
    seconds = facts.load["series"][:-1]  # the last one was cut short
    layers = [
        Series(
            release.version,
            tone,
            [(facts.load_began + s["t"], s["by_version"].get(release.version, 0)) for s in seconds],
        )
        for release, tone in zip(facts.releases, _VERSIONS, strict=False)
    ]
    bad = [(facts.load_began + s["t"], s["bad"] + s["failed"]) for s in seconds]
    layers.append(Series("bad answers", Tone.BAD, bad))
    title = "Requests a second, by the release that answered"
    return stacked(layers, (0, facts.seconds), width=width, title=title, unit="requests/s")


def analyses(release: Release) -> Iterator[tuple[float, str, Mapping[str, Any]]]:
    """Give each time the gate judged in production: when it said so, what to call it, and its report."""
    share = 0
    for at, entry in release.told(""):
        if entry.kind == "intended.shift":
            share = min(entry.data["weights"].values()) if len(entry.data["weights"]) > 1 else 100
        if entry.kind.startswith("analysed."):
            yield at, _WATCHES.get(entry.kind.removeprefix("analysed."), f"{share} % of traffic"), entry.data


def _evidence(release: Release, width: float) -> str:
    lines: list[Series] = []
    bands: list[Band] = []
    limit = 0.0
    for at, name, report in analyses(release):
        began = at - report["seconds"]
        bands.append(Band(began, at, name, _tone(report["verdict"])))
        limit = limit or report["log10_limit"]
        for indicator in report["indicators"]:
            tone = Tone.FIRST if indicator["name"] == "availability" else Tone.THIRD
            lines.append(Series(indicator["name"], tone, [(began + t, value) for t, value in indicator["evidence"]]))
    if not bands:
        return "<p>The release never came to production.</p>"
    span = (bands[0].start - 1, bands[-1].end + 1)
    return odds(lines, span, limit=limit, bands=bands, width=width, title="Evidence against the release over time")


def _explained(release: Release) -> str:
    limit = next((f"{10 ** report['log10_limit']:,.0f}" for _, _, report in analyses(release)), "the limit")
    return (
        "The gate asks the new release, and the one that serves, the same questions many times a second. Every bad "
        "answer is evidence against the release; every good one speaks for it. The lines show that evidence, as how "
        f"many times likelier the answers are if the release is bad than if it keeps its promise. At {limit} (dashed) "
        "the release goes. However often one looks, a healthy release gets there less than once in a hundred rollouts, "
        "while its errors are independent or come in short bursts."
    )


def _watches(release: Release) -> Iterable[list[str]]:
    for _, name, report in analyses(release):
        counts = [
            f"{indicator[f'{whose}bad']} of {indicator[f'{whose}total']}" if indicator[f"{whose}total"] else "not asked"
            for indicator in report["indicators"]
            for whose in ("", "baseline_")
        ]
        yield [name, _tag(report["verdict"], _tone(report["verdict"])), *counts, f"{report['seconds']:.1f}"]


def _examples(release: Release) -> str:
    examples = [text for _, _, report in analyses(release) for i in report["indicators"] for text in i["examples"]]
    shown = "<br>".join(f"<code>{escape(text)}</code>" for text in examples[:3])
    return f'<p class="soft">Bad answers, as they came:<br>{shown}</p>' if shown else ""


def _limits(facts: Facts) -> Iterable[str]:
    yield (
        "The workflow files ran under act, which has no environments: nobody was asked to approve production. On "
        "GitHub the job waits there for a person."
    )
    notes = {stage.result.get("message", "") for release in facts.releases for stage in release.stages.values()}
    if any("NOT judged" in note for note in notes):
        yield "No vulnerability database could be reached from here, so known vulnerabilities were not looked up."


def _seconds(release: Release, stage: Stage) -> list[str]:
    spent = stage.result.get("seconds") or {"total": 0.0, "own": 0.0, "tool": 0.0, "watching": 0.0}
    return [
        escape(release.version),
        stage.name.lower(),
        _tag(stage.decision, _TONES.get(stage.decision, Tone.WARN)),
        f"{spent['total']:.1f}",
        f"{stage.budget['limit']:g}" if stage.budget else "",
        *(f"{spent[name]:.1f}" for name in ("own", "tool", "watching")),
        f"{stage.ended - stage.began - spent['total']:.1f}",
    ]


def _stages(release: Release) -> list[Stage]:
    return [release.stages[name] for name in STAGES if name in release.stages]


def _tag(word: str, tone: Tone) -> str:
    return f'<span class="tag t-{tone}">{escape(word.replace("_", " "))}</span>'


def _tone(verdict: str) -> Tone:
    return {"successful": Tone.GOOD, "failed": Tone.BAD}.get(verdict, Tone.WARN)


def _twice(draw: Callable[[float], str]) -> str:
    return "".join(f'<div class="{name}">{draw(width)}</div>' for name, width in _WIDTHS.items())


def _table(header: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: int) -> str:
    """Build a table of cells that are HTML already; from column `numbers` on they are right-aligned."""

    def line(tag: str, cells: Sequence[str]) -> str:
        return "".join(f"<{tag}{' class=n' if at >= numbers else ''}>{cell}</{tag}>" for at, cell in enumerate(cells))

    return f"<tr>{line('th', header)}</tr>" + "".join(f"<tr>{line('td', row)}</tr>" for row in rows)

"""Tell a release's way as it happens, line by line, and keep it as facts."""

import re
import shutil
import textwrap
from collections.abc import Callable, Mapping
from typing import Any

from demo.act import ActEvent, Kind
from demo.facts import Release, Stage
from demo.journal import Entry
from lockgate.adapters.console import Console
from lockgate.core.reasons import Outcome

_WIDTH = 140
"""Of a line where there is no terminal."""
_MARGIN = 24
"""What stands before the text: the time, a mark, the place."""
_GOOD = {"availability": "right", "latency": "in time"}
_SURE = 6
"""Powers of ten beyond which more odds say no more."""
_DIGEST = re.compile(r"sha256:([0-9a-f]{12})[0-9a-f]{52}")


class Story:
    """One release. `clock` gives seconds since the start of the demo, `epoch` is that start in seconds since 1970."""

    def __init__(self, release: Release, console: Console, clock: Callable[[], float], epoch: float) -> None:
        self.release = release
        self._console = console
        self._clock = clock
        self._epoch = epoch
        self._names: dict[str, str] = {}
        """Revision -> version."""
        self._weights: Mapping[str, int] = {}
        self._baseline = ""

    def job(self, event: ActEvent, result: Mapping[str, Any]) -> None:
        """A job of the workflow began or ended, or act itself has something to say."""
        now, stages = self._clock(), self.release.stages
        if event.kind is Kind.JOB_BEGAN:
            stages[event.job] = Stage(event.job, now)
            self._say(self._console.step, event.job, "begins")
        elif event.kind is Kind.JOB_ENDED and event.job in stages:
            stage = stages[event.job]
            stage.ended, stage.result = now, result
            if stage.decision in set(Outcome) and self._has_rollout(event.job):
                return  # told already, as the ledger has it
            tell = self._console.good if stage.good else self._console.bad
            if "NOT judged" in stage.result.get("message", ""):
                tell = self._console.warn
            message = stage.result.get("message") or f"{event.text}, and Lockgate left no result"
            self._say(tell, event.job, message, seconds=now - stage.began)

    def entry(self, entry: Entry) -> None:
        """Lockgate wrote a line into its ledger."""
        self.release.entries.append((entry.at - self._epoch, entry))
        data, head, tail = entry.data, *entry.kind.partition(".")[::2]
        match head, tail:
            case "rollout", "started":
                self._started(entry.environment, data["plan"])
            case "intended", "shift":
                self._weights = data["weights"]
            case "analysed", watch:
                self._judged(entry.environment, watch, data)
            case "happened", "previewed":
                self._names[data["revision"]] = self.release.version
                self._say(self._console.good, entry.environment, f"{self.release.version} is up, without traffic")
            case "happened", "integrated":
                tell = self._console.good if data["passed"] else self._console.bad
                self._say(tell, entry.environment, data["message"])
            case "happened", "shifted":
                shares = ", ".join(f"{share} % {self._names.get(r, r)}" for r, share in self._weights.items() if share)
                self._say(self._console.step, entry.environment, f"traffic is now {shares}")
            case "happened", ("failed" | "stopped"):
                self._say(self._console.bad, entry.environment, data["message"] or data["reason_code"])
            case "rollout", "finished":
                self._finished(entry.environment, data)

    def _started(self, environment: str, plan: Mapping[str, Any]) -> None:
        if baseline := plan["baseline"]:
            self._baseline = baseline["release"]["version"]
            self._names[baseline["revision"]] = self._baseline
        if plan["approval"]:
            text = f"approval: {plan['approval']}. On GitHub the job would wait here for a person."
            self._say(self._console.warn, environment, text)
        release = plan["release"]
        self._say(self._console.step, environment, f"starting {release['version']} ({release['digest'][7:19]})")

    def _judged(self, environment: str, watch: str, report: Mapping[str, Any]) -> None:
        new = self.release.version
        share = max((self._weights.get(r, 0) for r, version in self._names.items() if version == new), default=0)
        version, when = {
            "pre_promotion": (new, "before traffic"),
            "restored": (self._baseline, "again"),
        }.get(watch, (new, f"with {share} % of the traffic"))
        counted = ", ".join(
            f"{i['total'] - i['bad']} of {i['total']} {_GOOD.get(i['name'], i['name'] + ' good')}"
            for i in report["indicators"]
        )
        healthy = report["verdict"] == "successful"
        tell = self._console.good if healthy else self._console.bad
        word = "healthy" if healthy else f"{report['verdict'].upper()}"
        self._say(tell, environment, f"{version} {word} {when}: {counted}", seconds=report["seconds"])
        if healthy:
            return
        worst = max(report["indicators"], key=lambda indicator: indicator["log10_evidence"])
        odds, limit = 10 ** min(worst["log10_evidence"], _SURE), 10 ** report["log10_limit"]
        more = "more than " * (worst["log10_evidence"] > _SURE)
        self._say(tell, environment, f"evidence against it: {more}{odds:,.0f} to 1, where {limit:,.0f} to 1 is enough")
        for example in worst["examples"][:1]:
            self._say(tell, environment, f"such as: {example}")

    def _finished(self, environment: str, ending: Mapping[str, Any]) -> None:
        match ending["outcome"]:
            case "deployed":
                text = f"DEPLOYED: {self.release.version} serves all traffic"
            case "rolled_back":
                text = f"ROLLED BACK: {self._baseline} serves again, and was judged healthy"
            case outcome:
                text = f"{outcome.upper()}: {ending['message'] or ending['reason_code']}"
        tell = self._console.good if ending["outcome"] == "deployed" else self._console.bad
        self._say(tell, environment, text)

    def _has_rollout(self, job: str) -> bool:
        return any(entry.environment == job.lower() for _, entry in self.release.entries)

    def _say(self, tell: Callable[[str], None], place: str, text: str, *, seconds: float | None = None) -> None:
        took = f" ({seconds:.1f} s)" if seconds is not None else ""
        width = max(60, shutil.get_terminal_size((_WIDTH, 24)).columns - _MARGIN - len(took))
        short = textwrap.shorten(_DIGEST.sub(r"\1", text), width, placeholder=" …")
        tell(f"{place.lower():<13} {short}{took}")

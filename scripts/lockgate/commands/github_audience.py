"""GitHub as an audience: deployment, commit status, check runs, the pull request's comment, the issue."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from lockgate.adapters import repository
from lockgate.adapters.github import deployments, notes
from lockgate.adapters.github.client import GitHub
from lockgate.commands.github import open_github
from lockgate.commands.narrate import headline
from lockgate.commands.project import Project
from lockgate.core import gate_summary, github_report
from lockgate.core.gate_summary import examples
from lockgate.core.reasons import Outcome
from lockgate.core.release import COMMIT
from lockgate.core.rollout_model import State, Watch
from lockgate.core.samples import GateReport, Verdict
from lockgate.errors import GitHubError

_CALL_SECONDS = 10.0
_LONGEST = 5000


@dataclass(slots=True)
class OnGitHub:
    """One rollout, told in one repository. What a permission is missing for is left out; the rest is still told."""

    project: Project
    hub: GitHub
    url: str
    """Where users reach the service."""
    _deployment: int | None = None
    _pull: int | None = None
    _missing: list[str] = field(default_factory=list)

    def begun(self, state: State) -> None:
        """Open the deployment and the commit's status."""
        run_url, sha = self.project.runner.run_url, state.plan.release.commit
        text = f"rolling out {state.plan.release.version}"
        self._each(
            state,
            ("the deployment", lambda: self._open(state, text)),
            ("the commit status", lambda: notes.status(self.hub, sha, _context(state), "pending", text, url=run_url)),
        )

    def judged(self, state: State, watch: Watch, report: GateReport) -> None:
        """Show what the gate saw as a check run; a failure stands at the environment's lines in the config."""
        name = f"lockgate {state.plan.environment}: {watch.value.replace('_', ' ')}"
        output = {"title": report.message[:200], "summary": gate_summary.summary(name, report)}
        if report.verdict is Verdict.FAILED:
            message = "\n".join([report.message, *examples(report)])
            output["annotations"] = [self._annotation(state, message)]  # type: ignore[assignment]
        conclusion = github_report.CONCLUSION[report.verdict]
        sha, run_url = state.plan.release.commit, self.project.runner.run_url
        self._each(state, ("the check run", lambda: notes.check(self.hub, sha, name, conclusion, output, url=run_url)))

    def ended(self, state: State) -> None:
        """Close everything, each on its own: a missing permission for one is no reason to leave out the next."""
        outcome = state.outcome or Outcome.BROKEN
        text = f"{outcome.value}: {headline(state)}"
        run_url, sha = self.project.runner.run_url, state.plan.release.commit
        mark = github_report.issue_mark(state.plan.release.service, state.plan.environment)
        tell: list[tuple[str, Callable[[], None]]] = [
            ("the deployment", lambda: self._close(state, outcome, text)),
            (
                "the commit status",
                lambda: notes.status(
                    self.hub, sha, _context(state), github_report.STATUS[outcome], text, url=run_url or self.url
                ),
            ),
            ("the pull request's comment", lambda: self._comment(state)),
        ]
        if outcome is Outcome.BROKEN:
            issue = github_report.issue(state, headline(state), run_url)
            tell.append(("the issue", lambda: notes.broken(self.hub, mark, issue)))
        elif outcome in {Outcome.DEPLOYED, Outcome.ROLLED_BACK}:
            healthy = f"A release was judged healthy in {state.plan.environment} again: {outcome.value}. {run_url}"
            tell.append(("the issue", lambda: notes.restored(self.hub, mark, healthy)))
        self._each(state, *tell)

    def _open(self, state: State, text: str) -> None:
        plan = state.plan
        payload = {
            "service": plan.release.service,
            "version": plan.release.version,
            "digest": plan.release.artifact.digest,
            "rollout": plan.rollout,
        }
        run_id = self.project.runner.hosted.run_id
        self._deployment = deployments.mine(self.hub, plan.environment, plan.release.commit, run_id, payload)
        run_url = self.project.runner.run_url
        deployments.say(self.hub, self._deployment, "in_progress", text, log_url=run_url, url=self.url)
        deployments.end_others(self.hub, plan.environment, self._deployment, superseded=False)

    def _close(self, state: State, outcome: Outcome, text: str) -> None:
        if self._deployment is None:
            self._open(state, text)
        number, run_url = self._deployment or 0, self.project.runner.run_url
        deployments.say(self.hub, number, github_report.DEPLOYMENT[outcome], text, log_url=run_url, url=self.url)
        if outcome is Outcome.DEPLOYED:
            deployments.end_others(self.hub, state.plan.environment, number, superseded=True)

    def _comment(self, state: State) -> None:
        pull = notes.pull_request(self.hub, state.plan.release.commit)
        if pull is None:
            return
        at = f"{self.project.clock.now():%Y-%m-%d %H:%M} UTC"
        run_url = self.project.runner.run_url
        entry = github_report.entry(state, headline(state), at=at, url=self.url, run_url=run_url)
        notes.comment(self.hub, pull, state.plan.release.service, entry)

    def _annotation(self, state: State, message: str) -> dict[str, object]:
        path, line = _place(self.project, state.plan.environment)
        place = {"path": path, "start_line": line, "end_line": line}
        return {**place, "annotation_level": "failure", "message": message[:_LONGEST]}

    def _each(self, state: State, *tell: tuple[str, Callable[[], None]]) -> None:
        for what, act in tell:
            # Without a commit, as outside of git, there is nothing on GitHub that this could be told beside.
            if what in self._missing or not COMMIT.fullmatch(state.plan.release.commit):
                continue
            try:
                act()
            except GitHubError as error:
                self._missing.append(what)
                why = f"\n{error.why}\n{error.fix}" if error.why else ""
                self.project.console.warn(f"GitHub was not told {what}: {error.what}{why}")


def on_github(project: Project, url: str) -> OnGitHub | None:
    """Give the audience, where there is a repository and a token for it."""
    hub = open_github(project, seconds=_CALL_SECONDS)
    return OnGitHub(project, hub, url) if hub else None


def _place(project: Project, environment: str) -> tuple[str, int]:
    """Give the config's path in the repository, and the line at which the environment begins."""
    top = repository.top(project.root)
    lines = project.config_path.read_text(encoding="utf-8").splitlines()
    key = re.compile(rf"\s+{re.escape(environment.partition('/')[0])}\s*:")
    found = (number for number, line in enumerate(lines, 1) if key.match(line))
    return project.config_path.relative_to(top).as_posix(), next(found, 1)


def _context(state: State) -> str:
    return f"lockgate/{state.plan.release.service}/{state.plan.environment}"

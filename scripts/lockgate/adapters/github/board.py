"""What the board asks GitHub: which runs wait for a person, and to start one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from lockgate.adapters.github.client import GitHub
from lockgate.core.board.waiting import Waiting

MOST = 20
"""Runs that are asked who they wait for; each is a question of its own."""


@dataclass(frozen=True, slots=True)
class GitHubApprovals:
    """Runs that wait for an environment's reviewers."""

    hub: GitHub

    def waiting(self) -> Sequence[Waiting]:
        """Give them, the oldest first. Raise GitHubError."""
        runs = self.hub.get("/actions/runs", status="waiting", per_page=MOST).body.get("workflow_runs") or []
        found = [one for run in runs for one in self._of(run)]
        return sorted(found, key=lambda one: one.since)

    def _of(self, run: Mapping[str, Any]) -> list[Waiting]:
        pending = self.hub.get(f"/actions/runs/{int(run['id'])}/pending_deployments").body or []
        return [
            Waiting(
                environment=str((one.get("environment") or {}).get("name", "")),
                version=str(run.get("head_sha") or "")[:12],
                title=str(run.get("display_title") or run.get("name") or ""),
                by=str((run.get("actor") or {}).get("login", "")),
                since=str(run.get("updated_at") or run.get("created_at") or ""),
                url=str(run.get("html_url") or ""),
                reviewers=tuple(map(_name, one.get("reviewers") or [])),
            )
            for one in pending
        ]


@dataclass(frozen=True, slots=True)
class GitHubDispatch:
    """Starts one workflow of the repository."""

    hub: GitHub
    server_url: str
    workflow: str
    """Its file in .github/workflows."""

    def start(self, ref: str, inputs: Mapping[str, str]) -> str:
        """Ask for a run on a branch; give the page where it will be. Raise GitHubRefusedError, GitHubError.

        GitHub answers without saying which run it will be; where it does say, that run's page is given.
        """
        path = f"/actions/workflows/{quote(self.workflow, safe='')}/dispatches"
        said = self.hub.call("POST", path, {"ref": ref, "inputs": dict(inputs)}).body
        page = said.get("html_url") if isinstance(said, dict) else None
        return str(page or f"{self.server_url}/{self.hub.repository}/actions/workflows/{quote(self.workflow)}")


def _name(entry: Mapping[str, Any]) -> str:
    reviewer = entry.get("reviewer") or {}
    return str(reviewer.get("login") or f"team {reviewer.get('name', '')}")

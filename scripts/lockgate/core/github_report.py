"""How a rollout is told on GitHub: which state each outcome has there, and the texts of comment and issue."""

import base64
import json
import re
from collections.abc import Mapping
from typing import Any

from lockgate.core import markdown
from lockgate.core.reasons import Outcome
from lockgate.core.redaction import printable, shorten
from lockgate.core.rollout_model import State
from lockgate.core.samples import Verdict

DEPLOYMENT = {
    Outcome.DEPLOYED: "success",
    Outcome.ABORTED: "failure",
    Outcome.ROLLED_BACK: "failure",
    Outcome.BROKEN: "error",
}
STATUS = {
    Outcome.DEPLOYED: "success",
    Outcome.ABORTED: "failure",
    Outcome.ROLLED_BACK: "failure",
    Outcome.BROKEN: "error",
}
CONCLUSION = {
    Verdict.SUCCESSFUL: "success",
    Verdict.FAILED: "failure",
    Verdict.ERROR: "neutral",
    Verdict.INCONCLUSIVE: "neutral",
}
"""What could not be judged is neither good nor bad."""
_MARKS: Mapping[str, str] = {Outcome.DEPLOYED: "✓", Outcome.ABORTED: "✗", Outcome.ROLLED_BACK: "↩", Outcome.BROKEN: "‼"}
_SHORT = 140
"""The longest description of a status, by GitHub's rules."""
_MOST_ENVIRONMENTS = 50
_LONGEST = 300
_MARK = re.compile(r"<!-- lockgate:comment:([a-z0-9-]+) ([A-Za-z0-9+/=]{0,60000}) -->")


def short(text: str) -> str:
    """Cut to what a status may say."""
    line = " ".join(printable(text).split())
    return line if len(line) <= _SHORT else f"{line[: _SHORT - 1]}…"


def entry(state: State, headline: str, *, at: str, url: str, run_url: str) -> dict[str, str]:
    """Give what the comment keeps about one environment."""
    release = state.plan.release
    return {
        "environment": state.plan.environment,
        "outcome": state.outcome.value if state.outcome else "in_progress",
        "version": shorten(release.version, _LONGEST),
        "digest": release.artifact.short,
        "message": shorten(headline, _LONGEST),
        "at": at,
        "url": url,
        "run_url": run_url,
    }


def comment(service: str, entries: Mapping[str, Mapping[str, str]]) -> str:
    """Give the text of the one comment: a table, and what it was made from, to be read back at the next change."""
    kept = base64.b64encode(json.dumps(dict(entries)).encode()).decode()
    rows = [
        [
            _link(one["environment"], one["url"]),
            f"{_MARKS.get(one['outcome'], '')} {markdown.escape(one['outcome'].replace('_', ' '))}".strip(),
            markdown.code(one["version"]),
            markdown.code(one["digest"]),
            markdown.escape(one["message"]),
            _link(one["at"], one["run_url"]),
        ]
        for one in entries.values()
    ]
    table = markdown.table(["environment", "outcome", "version", "digest", "", "when"], rows)
    return f"<!-- lockgate:comment:{service} {kept} -->\n**{markdown.escape(service)}**\n\n{table}\n"


def entries(text: str, service: str) -> dict[str, dict[str, str]] | None:
    """Read a comment back; None where it is not ours. What it holds may have been edited: odd parts are dropped."""
    match = _MARK.match(text)
    if match is None or match[1] != service:
        return None
    try:
        found = json.loads(base64.b64decode(match[2], validate=True))
    except (ValueError, RecursionError):
        return {}
    fields = ("environment", "outcome", "version", "digest", "message", "at", "url", "run_url")
    if not isinstance(found, dict):
        return {}
    read = {
        name: {field: shorten(str(one.get(field, "")), _LONGEST) for field in fields}
        for name, one in found.items()
        if isinstance(one, dict)
    }
    return dict(list(read.items())[-_MOST_ENVIRONMENTS:])


def issue_mark(service: str, environment: str) -> str:
    """Give what an issue about one environment is found again by."""
    return f"<!-- lockgate:broken:{service}:{environment} -->"


def issue(state: State, headline: str, run_url: str) -> dict[str, Any]:
    """Give the issue for an environment that is broken."""
    plan = state.plan
    service, release = plan.release.service, plan.release
    body = [
        issue_mark(service, plan.environment),
        f"{markdown.escape(headline)}.",
        "",
        f"- release: {markdown.code(release.version)}, {markdown.code(str(release.artifact))}",
        f"- rollout: {markdown.code(plan.rollout)}, started by {markdown.escape(plan.actor)}",
        f"- reason: {markdown.code(state.reason.value)}",
        f"- log: {run_url}" if run_url else "",
        "",
        "Look at what serves (`lockgate status`), repair it, then deploy or roll back.",
        "This issue is closed when a release is judged healthy there again.",
    ]
    return {"title": f"{service}: {plan.environment} is broken", "body": "\n".join(body), "labels": ["lockgate"]}


def _link(text: str, url: str) -> str:
    plain = re.fullmatch(r"https?://[A-Za-z0-9._~:/?%=&-]+", url)
    return f"[{markdown.escape(text)}]({url})" if plain else markdown.escape(text)

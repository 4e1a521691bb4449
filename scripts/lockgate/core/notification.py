"""What is said outside about a rollout that ended: one JSON, and the forms of Slack and Teams."""

import hashlib
import hmac
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from lockgate.core.config_problems import Path, Problem
from lockgate.core.reasons import Outcome
from lockgate.core.redaction import printable, shorten
from lockgate.core.rollout_model import State

_LONGEST = 500
_SIGNS = {Outcome.DEPLOYED: "✅", Outcome.ABORTED: "⚠️", Outcome.ROLLED_BACK: "↩️", Outcome.BROKEN: "🔥"}
_COLOURS = {
    Outcome.DEPLOYED: "good",
    Outcome.ABORTED: "warning",
    Outcome.ROLLED_BACK: "warning",
    Outcome.BROKEN: "attention",
}


class Form(StrEnum):
    """What the other side understands."""

    WEBHOOK = "webhook"
    SLACK = "slack"
    TEAMS = "teams"


@dataclass(frozen=True, slots=True)
class NotifyConfig:
    """One place that is told. Its address is a secret, so only the name of a variable stands in the config."""

    to: Form = Form.WEBHOOK
    url_env: str = ""
    key_env: str = ""
    quiet: bool = False


def check(places: Iterable[NotifyConfig]) -> Iterator[Problem]:
    """Yield what the places do not make sense of."""
    for number, place in enumerate(places):
        path: Path = ("notify", number, "key_env")
        depends = (path, ("notify", number, "to"))
        if place.to is Form.WEBHOOK and not place.key_env:
            message = "is missing: a webhook is signed, so that its reader can tell it from a forged one"
            yield Problem(path, message, depends=depends)
        if place.to is not Form.WEBHOOK and place.key_env:
            yield Problem(path, f"has no use here: {place.to} does not check signatures", depends=depends)


def wanted(place: NotifyConfig, outcome: Outcome) -> bool:
    """Whether a place hears of this: always, but for a success where it wants quiet."""
    return not (place.quiet and outcome is Outcome.DEPLOYED)


def message(state: State, headline: str, *, at: str, url: str, run_url: str) -> dict[str, Any]:
    """Give the JSON by schemas/notification.schema.json."""
    plan = state.plan
    release, before = plan.release, plan.baseline.release if plan.baseline else None
    return {
        "schema": 1,
        "id": plan.rollout,
        "at": at,
        "service": release.service,
        "environment": plan.environment,
        "outcome": (state.outcome or Outcome.BROKEN).value,
        "reason_code": state.reason.value,
        "message": _line(headline),
        "version": _line(release.version),
        "commit": release.commit,
        "digest": release.artifact.digest,
        "before": {"version": _line(before.version), "digest": before.artifact.digest} if before else None,
        "actor": _line(plan.actor),
        "approval": _line(plan.approval),
        "url": url,
        "run_url": run_url,
    }


def body(form: Form, said: Mapping[str, Any]) -> bytes:
    """Give what is sent."""
    shaped = {Form.SLACK: _slack, Form.TEAMS: _teams}.get(form, dict)(said)
    return json.dumps(shaped, ensure_ascii=False, separators=(",", ":")).encode()


def signature(key: str, sent: bytes, seconds: int) -> str:
    """Sign a body with the time, so that an old one cannot be sent again: HMAC-SHA256 of `SECONDS.BODY`."""
    return "sha256=" + hmac.new(key.encode(), b"%d." % seconds + sent, hashlib.sha256).hexdigest()


def _slack(said: Mapping[str, Any]) -> dict[str, Any]:
    # docs.slack.dev, "Formatting message text": these three characters, and no others, are escaped.
    safe = {name: _slack_text(value) for name, value in said.items() if isinstance(value, str)}
    title = f"{_SIGNS[Outcome(said['outcome'])]} {safe['service']} {safe['version']} in {safe['environment']}"
    title += f": {safe['outcome']}"
    context = f"by {safe['actor']} · {said['digest'].removeprefix('sha256:')[:12]}"
    context += f" · <{said['run_url']}|log>" if said["run_url"] else ""
    return {
        "text": title,
        "blocks": [
            {"type": "section", "text": _mrkdwn(f"*{title}*\n{safe['message']}")},
            {"type": "context", "elements": [_mrkdwn(context)]},
        ],
    }


def _mrkdwn(text: str) -> dict[str, Any]:
    # Not verbatim, Slack would make links of the addresses and the names of channels in somebody's words.
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def _slack_text(text: str) -> str:
    # A star, an underscore or a backtick could only change how it looks; a `<` could ping everybody.
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _teams(said: Mapping[str, Any]) -> dict[str, Any]:
    outcome = Outcome(said["outcome"])
    title = f"{said['service']} {said['version']} in {said['environment']}: {said['outcome']}"
    facts = {"by": said["actor"], "digest": said["digest"], "approval": said["approval"]}
    card: dict[str, Any] = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": [
            # RichTextBlock shows text as it is; a TextBlock would read Markdown out of a version's name.
            {
                "type": "RichTextBlock",
                "inlines": [{"type": "TextRun", "text": title, "weight": "bolder", "color": _COLOURS[outcome]}],
            },
            {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": said["message"]}]},
            *(
                {
                    "type": "RichTextBlock",
                    "inlines": [{"type": "TextRun", "text": f"{name}: {value}", "isSubtle": True}],
                }
                for name, value in facts.items()
                if value
            ),
        ],
    }
    if said["run_url"]:
        card["actions"] = [{"type": "Action.OpenUrl", "title": "Log", "url": said["run_url"]}]
    kind = "application/vnd.microsoft.card.adaptive"
    return {"type": "message", "attachments": [{"contentType": kind, "contentUrl": None, "content": card}]}


def _line(text: str) -> str:
    return shorten(" ".join(printable(text).split()), _LONGEST)

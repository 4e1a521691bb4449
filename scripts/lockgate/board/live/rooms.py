"""Who wants to hear what, and how an event is told to them."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from lockgate.core.board.audit import STEM
from lockgate.core.board.findings import short
from lockgate.core.board.rows import FeedItem
from lockgate.core.board.story import line
from lockgate.core.board.viewer import Viewer
from lockgate.core.board.watches import told

_CURSOR = re.compile(r"([0-9]{1,18})\.([0-9a-f]{12})")


@dataclass(frozen=True, slots=True)
class Room:
    """A part of what happens: of one service, one environment, one rollout; "" for all of them."""

    service: str = ""
    environment: str = ""
    rollout: str = ""
    services: frozenset[str] | None = None
    """What the viewer may see at all."""

    @classmethod
    def of(cls, query: Mapping[str, str], viewer: Viewer) -> "Room":
        """Read the room of a URL."""
        service, environment, rollout = (query.get(name, "")[:200] for name in ("service", "environment", "rollout"))
        return cls(service, environment, rollout, viewer.services)

    def has(self, item: FeedItem) -> bool:
        """Whether an event is heard here."""
        event = item.event
        return (
            self.service in {"", event.service}
            and self.environment in {"", event.environment}
            and self.rollout in {"", event.rollout}
            and (self.services is None or event.service in self.services)
            and not event.kind.startswith(STEM)
        )


def cursor(text: str) -> tuple[int, str] | None:
    """Read a position as a client has it, with the beginning of its hash; None where it is none."""
    found = _CURSOR.fullmatch(text)
    return (int(found[1]), found[2]) if found else None


def frame(items: Iterable[FeedItem], head: str) -> dict[str, Any]:
    """Tell events in one message; `head` is where the client is after it."""
    return {"type": "events", "head": head, "events": [_told(item) for item in items]}


def _told(item: FeedItem) -> dict[str, Any]:
    event = item.event
    shown = line(event)
    message: dict[str, Any] = {
        "position": item.head.position,
        "at": event.at,
        "kind": event.kind,
        "service": event.service,
        "environment": event.environment,
        "rollout": event.rollout,
        "seq": event.seq,
        "text": shown.text,
        "tone": shown.tone,
    }
    if event.kind == "rollout.started":
        message["version"] = told(event.data, "plan", "release", "version") or ""
        message["by"] = told(event.data, "plan", "actor") or ""
        if found := short(event.data.get("found")):
            message["found"] = {"words": found.words, "severity": found.severity, "at": found.when}
    elif event.kind == "rollout.finished":
        message["outcome"] = told(event.data, "outcome") or ""
        release = told(event.data, "standing", "release") or {}
        message["serving"] = {
            "version": told(release, "version") or "",
            "commit": told(release, "commit") or "",
            "verified": bool(told(event.data, "standing", "verified")),
        }
    return message

"""What is remembered of an environment's last rollouts, so that nobody reads all of the log to know what serves."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace

from lockgate.core.chain import Link
from lockgate.core.leased_log import key

KEPT = 100
"""Rollouts of an environment."""
_TOLD = ("rollout.started", "rollout.finished")
_ASKED = frozenset({"plan", "platform", "run_url", "change", "budgets", "found"})
"""What of a beginning the questions are about; the evidence that came with the release is read from its journal."""
_LIVE = "happened.shifted"


def merged(before: Sequence[Link], added: Iterable[Link]) -> list[Link]:
    """Give what is remembered once more events have come, in whatever order they came."""
    rollouts: dict[str, dict[tuple[str, int, int], Link]] = {}
    for one in (*before, *added):
        rollouts.setdefault(one.rollout, {}).setdefault(key(one), one)
    newest = sorted(rollouts.values(), key=lambda links: max((one.fence, one.at) for one in links.values()))[-KEPT:]
    return sorted((_slim(one) for links in newest for one in _kept(list(links.values()))), key=lambda one: one.position)


def _kept(links: Sequence[Link]) -> set[Link]:
    """Choose a rollout's beginning and ending, when it went live, where it begins in the log, and where it forked."""
    chosen = {one for one in links if one.kind in _TOLD}
    chosen.add(min(links, key=lambda one: one.position))
    chosen |= set(sorted((one for one in links if one.kind == _LIVE), key=lambda one: one.at)[:1])
    for fence in {one.fence for one in links}:
        chosen.add(min((one for one in links if one.fence == fence), key=lambda one: one.seq))
    return chosen


def _slim(link: Link) -> Link:
    if link.kind == "rollout.finished":
        return link
    data = json.loads(link.data) if link.kind == "rollout.started" else {}
    asked = {name: value for name, value in data.items() if name in _ASKED}
    return replace(link, data=json.dumps(asked, separators=(",", ":")))

"""The documents of a ledger on a branch, apart from the head: segments, lists of what is recent, and large values."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from lockgate.adapters.github.files import ConflictError, Files
from lockgate.adapters.github.head_file import damaged
from lockgate.core import leased_log, log_parts, log_recent
from lockgate.core.chain import Link
from lockgate.core.leased_log import Head
from lockgate.errors import GitHubError

_TRIES = 12


@dataclass(frozen=True, slots=True)
class Limits:
    """How long documents grow, in bytes. Each is sent whole, so none is long; each is a request, so none is short."""

    long: int = 16_000
    """A tail that is moved on before the next lease is given."""
    too_long: int = 64_000
    """A tail that is moved on even in the middle of a rollout."""
    segment: int = 256_000
    """A segment that is complete."""


class LogFiles:
    """Reads and adds to them; what is complete is read once. Whatever is done twice, or late, changes nothing."""

    def __init__(self, files: Files, limits: Limits) -> None:
        self._files = files
        self._limits = limits
        self._complete: dict[int, list[Link]] = {}
        self._parts: dict[str, str] = {}

    def move(self, head: Head) -> tuple[int, int]:
        """Copy a head's tail to where it stays; give the last position, and the segment that has it."""
        places = {(one.service, one.environment) for one in head.tail}
        for place in sorted(places):
            mine = [one for one in head.tail if (one.service, one.environment) == place]
            self._replace(f"recent/{leased_log.name(*place)}.json", lambda old, new=mine: log_recent.merged(old, new))  # type: ignore[misc]
        segment = self._add(head, head.segments[-1]) if head.segments else None
        if segment is None:
            segment = self._add(head, head.tail[0].position, fresh=True)
        assert segment is not None  # noqa: S101 - a fresh segment takes anything
        return head.tail[-1].position, segment

    def recent(self, service: str, environment: str) -> list[Link]:
        """Read what is remembered of a place."""
        return self._read(f"recent/{leased_log.name(service, environment)}.json")

    def segments(self, head: Head, after: int = 0) -> Iterator[list[Link]]:
        """Read the events of the segments from a position on, the oldest first."""
        for number, first in enumerate(head.segments):
            last = number + 1 == len(head.segments)
            end = head.moved if last else head.segments[number + 1] - 1
            if end > after:
                links = self._complete.get(first) or self._read(_segment(first))
                if not last:
                    self._complete[first] = links
                yield [one for one in links if max(after, head.chain.first) < one.position <= end]

    def keep(self, parts: Mapping[str, str]) -> None:
        """Write large values, before whatever names them."""
        for name, text in parts.items():
            if name not in self._parts:
                self._replace_text(f"parts/{name}.json", text)
                self._parts[name] = text

    def whole(self, link: Link) -> Link:
        """Give an event with all its data; one whose parts are gone or changed as it is kept, which the chain finds."""
        for name in log_parts.named(link.data):
            if name not in self._parts:
                self._parts[name] = self._files.read(f"parts/{name}.json").text
        try:
            return replace(link, data=log_parts.put_back(link.data, self._parts))
        except (ValueError, RecursionError):
            return link

    def remove(self, before: Head, after: Head) -> None:
        """Remove the segments that the head no longer names."""
        for first in sorted(set(before.segments) - set(after.segments)):
            self._files.remove(_segment(first), "events beyond the retention")

    def _add(self, head: Head, first: int, *, fresh: bool = False) -> int | None:
        """Add a head's tail to a segment; None where that one is complete and has none of it."""
        path = _segment(first)
        file = self._files.read(path)
        links = _loaded(path, file.text) if file.sha else []
        known = links[-1].position if links else 0
        missing = [one for one in head.tail if one.position > known]
        if missing and not fresh and len(file.text) > self._limits.segment:
            return None
        if missing:
            self._replace(path, lambda old: _continued(old, head.tail))
        return first

    def _replace(self, path: str, change: Callable[[list[Link]], Sequence[Link]]) -> None:
        for _ in range(_TRIES):
            file = self._files.read(path)
            text = leased_log.dump_links(change(_loaded(path, file.text) if file.sha else []))
            if text == file.text:
                return
            try:
                self._files.write(path, text, file.sha, f"ledger: {path}")
            except ConflictError:
                continue
            return
        raise GitHubError(f"{path} could not be written: others were faster {_TRIES} times.")

    def _replace_text(self, path: str, text: str) -> None:
        for _ in range(_TRIES):
            if self._files.read(path).sha:
                return
            try:
                self._files.write(path, text, "", f"ledger: {path}")
            except ConflictError:
                continue
            return
        raise GitHubError(f"{path} could not be written: others were faster {_TRIES} times.")

    def _read(self, path: str) -> list[Link]:
        file = self._files.read(path)
        return _loaded(path, file.text) if file.sha else []


def _loaded(path: str, text: str) -> list[Link]:
    try:
        return leased_log.load_links(text)
    except (ValueError, KeyError, TypeError) as error:
        raise damaged(path, error) from error


def _continued(before: Sequence[Link], tail: Sequence[Link]) -> list[Link]:
    known = before[-1].position if before else 0
    return [*before, *(one for one in tail if one.position > known)]


def _segment(first: int) -> str:
    return f"events/{first:012}.json"

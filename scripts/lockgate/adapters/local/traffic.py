"""Who gets the traffic: one short file, replaced by one atomic rename.

The proxy reads it once for every request (see `caddy`), so a request sees the old split or the new one, never a mixture
and never neither. The file is the truth of `observe`; nothing else remembers the weights.
"""

import os
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

from lockgate.adapters.state import explained, write_atomically
from lockgate.errors import StateDamagedError

STEP = 5
"""Weights are multiples of this, in percent: each state has a route of its own in the proxy."""


class Slot(StrEnum):
    """The two places a revision can run in."""

    BLUE = "blue"
    GREEN = "green"


Shares = Mapping[Slot, int]
"""Percent of the traffic for each slot: adding up to 100, or all 0 before the first release."""

NOBODY: Shares = {Slot.BLUE: 0, Slot.GREEN: 0}
# All and nothing first: the proxy looks from the top, and these are the states it spends its days in.
SPLITS: tuple[Shares, ...] = tuple(
    {Slot.BLUE: 100 - green, Slot.GREEN: green} for green in (0, 100, *range(STEP, 100, STEP))
)


def written(shares: Shares) -> str:
    """Give the form in the file: `blue=90 green=10`."""
    return " ".join(f"{slot}={shares.get(slot, 0)}" for slot in Slot)


_READ = {written(shares): shares for shares in (NOBODY, *SPLITS)}


class Traffic:
    """The file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def exists(self) -> bool:
        """Whether it was ever written."""
        return self._path.exists()

    def read(self) -> Shares:
        """Say who gets what now; raise StateError where the file says something the proxy cannot follow."""
        with explained(self._path):
            if not self._path.exists():
                return NOBODY
            text = self._path.read_text(encoding="utf-8").strip()
        if text not in _READ:
            raise StateDamagedError(
                f'{self._path} says "{text[:80]}", which is no split of traffic.',
                why="The proxy answers 503 to everybody until it says one, such as blue=100 green=0.",
                fix="Write one into it: which revision runs in which slot stands in the revisions folder beside it.",
            )
        return _READ[text]

    def write(self, shares: Shares) -> None:
        """Change it, for every request that begins after this returns. Raise StateError, with nothing changed."""
        write_atomically(self._path, written(shares) + "\n")
        with explained(self._path.parent):
            # The rename itself must survive a power cut, or the proxy would come back with the old split.
            folder = os.open(self._path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)

    def remove(self) -> None:
        """Forget it: nobody is served any more."""
        with explained(self._path):
            self._path.unlink(missing_ok=True)

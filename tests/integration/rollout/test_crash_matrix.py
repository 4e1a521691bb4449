"""A few cells of the crash matrix; `python -m bench.crash` measures them all."""

import asyncio
from contextlib import closing

import pytest

from bench.cells import Bench, Boundary

CELLS = {
    "good": {
        "kill": Boundary("good", "before", "happened.shifted", 1),
        "ledger": Boundary("good", "after", "analysed.bake"),
        "disk": Boundary("good", "after", "intended.analyse", 3),
    },
    "rolls back": {
        "kill": Boundary("rolls back", "before", "happened.shifted", 2),
        "interrupt": Boundary("rolls back", "after", "happened.shifted", 1),
    },
    "aborts": {"kill": Boundary("aborts", "before", "happened.retired")},
}
"""A shift that was made and not written down; a verdict that nobody could write down; a bake on a full disk; traffic
that was returned and not written down; a cancel with a broken release live; a preview removed and not written down."""


@pytest.mark.parametrize("scenario", CELLS)
def test_a_rollout_cut_off_at_a_boundary_is_made_whole(tmp_path, scenario):
    """Under load: one healthy verified revision has all traffic, the outcome is true, nothing is left over or lost."""
    with closing(Bench(tmp_path)) as bench:
        for fault, boundary in CELLS[scenario].items():
            cell = asyncio.run(bench.cut_off(boundary, fault))
            assert not cell.complaints, f"{boundary}, {fault}: {cell.complaints}"
            assert (cell.lost, cell.outcome) == (0, "aborted" if scenario == "aborts" else "rolled_back")
            assert cell.requests

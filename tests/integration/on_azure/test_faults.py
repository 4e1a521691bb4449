"""A part of the fault matrix (all of it: `make bench-azure-faults`): the calls that decide, and what may befall them."""

import pytest

from bench.azure_cells import disturb, rehearse
from bench.azure_cut import cut_off, lines
from bench.azure_faults import opened

DECIDES = {"azure-app-service": "POST app/slots/preview/slotsswap", "azure-container-apps": "PATCH app"}
"""The call that gives a release all users: the last of this name."""
WORST = {
    "502 after, Retry-After": ("deployed", ""),
    "legacy 409 once": ("deployed", ""),
    "operation stuck": ("broken", "rolled_back"),
    "role revoked": ("broken", "rolled_back"),
    "killed, operation runs": ("killed", "rolled_back"),
}


@pytest.mark.parametrize("kind", DECIDES)
def test_whatever_befalls_the_decisive_call_ends_honestly_and_is_recovered(kind):
    """A true outcome, no swap made twice, one verified release with all users after `recover`, ready for the next.

    The last is a way back that is barred: broken, and `recover` returns the users later.
    """
    with opened(kind) as place:
        there, back = (
            [one for one in rehearse(place, scenario) if one.label == DECIDES[kind]][-1]
            for scenario in ("deploys", "rolls back")
        )
        cells = {trouble: disturb(place, "deploys", there, trouble) for trouble in WORST}
        barred = disturb(place, "rolls back", back, "503 lasting")
    assert {name: cell.complaints for name, cell in cells.items() if cell.complaints} == {}
    assert {name: (cell.outcome, cell.recovered) for name, cell in cells.items()} == WORST
    assert (barred.outcome, barred.recovered, barred.serves, barred.complaints) == ("broken", "rolled_back", "1.0", ())


@pytest.mark.parametrize("kind", DECIDES)
def test_a_rollout_cut_off_at_any_line_of_its_journal_is_recovered_elsewhere(kind):
    """Another machine that has the ledger alone leaves one verified release with all users, and nothing besides."""
    with opened(kind) as place:
        found = list(lines(place, "deploys"))
        # Of a rollout that goes back, what comes after its bake; before that it is the same as any other.
        back = list(lines(place, "rolls back"))
        bake = next(number for number, line in enumerate(back) if line.kind == "analysed.bake")
        cuts = [cut_off(place, line, onward=False) for line in (*found, *back[bake:])]
    assert [(str(cut.line), cut.complaints) for cut in cuts if cut.complaints] == []
    ends = {str(cut.line): cut.recovered for cut in cuts}
    assert ends["deploys: before 2 happened.previewed"] == "aborted"
    assert ends["deploys: before 14 happened.shifted"] == "rolled_back"
    assert ends["deploys: after 17 happened.judged"] == "deployed"
    assert ends["rolls back: before 19 happened.shifted"] == "rolled_back"

"""A part of the fault matrix (all of it: `make bench-azure-faults`): the calls that decide, and what may befall them."""

import pytest

from bench.azure_cells import disturb, rehearse
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

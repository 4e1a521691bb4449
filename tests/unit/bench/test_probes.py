"""What the measurement of the probes calls linear."""

import io

import pytest

from bench.probes import LOADS, Run, _verdict
from lockgate.adapters.console import Console


def runs(costs, *, answered=1.0):
    return {
        count: [Run(int(1000 * answered), 1000.0, 10.0, cost * 1000 * answered, [0.001])]
        for (count, _), cost in zip(LOADS, costs, strict=True)
    }


@pytest.mark.parametrize(
    ("found", "code"),
    [
        (runs([0.001, 0.001, 0.0012]), 0),
        (runs([0.001, 0.001, 0.0016]), 1),
        (runs([0.001, 0.001, 0.001], answered=0.9), 1),
    ],
    ids=["linear", "dearer", "left out"],
)
def test_what_is_not_linear_or_not_complete_ends_with_an_error(found, code):
    """A sample that costs more than half as much again, or questions that were left out."""
    assert _verdict(Console(io.StringIO()), found) == code

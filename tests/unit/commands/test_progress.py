"""A watch that lasts says how it goes: a line that follows it on a terminal, a line now and then in a log."""

import io
import re

import pytest

from lockgate.adapters.console import Console
from lockgate.commands.progress import WatchProgress, progress
from lockgate.core.gate import Gate
from lockgate.core.samples import GateSpec, Objective, Role, Sample


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self):
        return True

    def screen(self):
        """What a person sees: each rewritten line as it was left."""
        return [re.sub(r"\x1b\[\d*[mK]", "", line.split("\r\x1b[2K")[-1]) for line in self.getvalue().split("\n")]


def gate(*, early_pass=False):
    objectives = Objective("availability", 0.001, 0.05), Objective("latency", 0.05, 0.2)
    made = Gate(GateSpec(objectives, 0.0025, 30.0, 20, 2.0, early_pass=early_pass, compare=False))
    for i in range(180):
        for objective in objectives:
            made.add(Sample(i / 10, Role.CANDIDATE, objective.indicator, good=True))
    return made


def test_it_says_how_many_how_sure_and_how_long():
    """The indicator that looks worst, its evidence against the limit, and the time that is left."""
    assert re.fullmatch(r"availability 180 of 180 good, evidence 0\.\d\d of 800, 12 s left", progress(gate(), 18.0)), (
        progress(gate(), 18.0)
    )
    assert progress(gate(early_pass=True), 40.0).endswith("at most 0 s left")


@pytest.mark.uncounted
@pytest.mark.parametrize(("stream", "times"), [(io.StringIO, [5, 10, 15]), (Terminal, [0.25, 0.5])])
def test_a_log_hears_of_it_every_five_seconds(stream, times):
    """And a terminal four times a second, on one line."""
    out = stream()
    told = WatchProgress(Console(out), "production")
    heard, length = [], 0
    for step in range(int(times[-1] * 20) + 1):
        told(gate(), step / 20)
        if len(out.getvalue()) > length:
            heard.append(step / 20)
            length = len(out.getvalue())
    assert heard == times
    assert out.getvalue().count("\n") == (0 if stream is Terminal else len(times))
    assert "production: availability 180 of 180 good" in out.getvalue()


def test_a_passing_line_leaves_nothing_behind():
    """What is said next stands on a line of its own, also a table, and no longer line shines through."""
    out = Terminal()
    console = Console(out)
    console.passing("a long line that is only passing")
    console.good("short")
    console.passing("another")
    console.table("", ["a"], [["1"]])
    console.passing("the last")
    console.done()
    console.done()
    screen = out.screen()
    assert screen[0].endswith("✓ short")
    assert not any("passing" in line or "another" in line or "the last" in line for line in screen)


def test_a_passing_line_is_one_line_and_harmless():
    """Cut to the width of the terminal, without control characters and secrets."""
    out = Terminal()
    console = Console(out)
    console.secrets.append("hunter22")
    console.passing("\x1b[2Jhunter22 " + "x" * 500)
    (line,) = out.screen()
    assert len(line) <= 80
    assert "***" in line
    assert "hunter22" not in out.getvalue()
    quiet = Terminal()
    Console(quiet, quiet=True).passing("x")
    assert quiet.getvalue() == ""

"""Notes for whoever looks on: never in the way of what is measured."""

import threading

from lockgate.adapters.watch_notes import WatchNotes
from lockgate.core.board.watching import WatchNote
from lockgate.errors import StateNotWritableError


def note(number):
    return WatchNote("r", "shop", "production", "bake", str(number), {})


def test_a_slow_place_gets_the_newest_note_and_holds_nobody_up():
    """What was not written in time is forgotten; after the end nothing is written."""
    written, may, begun = [], threading.Event(), threading.Event()

    def write(one):
        begun.set()
        may.wait(10)
        written.append(one.at)
        if one.at == "9":
            done.set()

    done = threading.Event()
    notes = WatchNotes(write)
    notes.offer(note(0))
    assert begun.wait(10)
    for number in range(1, 10):
        notes.offer(note(number))
    may.set()
    assert done.wait(10)
    notes.close()
    notes._thread.join(10)
    assert written == ["0", "9"]


def test_a_place_that_cannot_be_written_stops_nothing():
    """The next note is tried again."""
    tried, twice = [], threading.Event()

    def write(one):
        tried.append(one.at)
        (twice.set if len(tried) > 1 else begun.set)()
        raise StateNotWritableError("The state directory cannot be written.")

    begun = threading.Event()
    notes = WatchNotes(write)
    notes.offer(note(1))
    assert begun.wait(10)
    notes.offer(note(2))
    assert twice.wait(10)
    notes.close()
    assert tried == ["1", "2"]

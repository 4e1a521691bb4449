"""A program that is run is ended, whenever the wish to end it comes."""

import os
import signal
import subprocess
import sys

import pytest

from lockgate.adapters.process import run


@pytest.mark.parametrize("event", ["call", "return"])
def test_a_signal_while_a_program_is_being_started_ends_it(tmp_path, event):
    """Ctrl-C may come when the program runs and nobody has its process id yet: it is not left behind."""
    started = []

    def watch(frame, what, _argument):
        if frame.f_code is subprocess.Popen._execute_child.__code__ and what == event:
            sys.setprofile(None)
            started.append(frame.f_locals["self"])
            signal.raise_signal(signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    sys.setprofile(watch)
    try:
        with pytest.raises(KeyboardInterrupt):
            run(["sleep", "60"], cwd=tmp_path, env=os.environ, timeout=30)
    finally:
        sys.setprofile(None)
    (process,) = started
    assert process.returncode == -signal.SIGTERM
    assert signal.getsignal(signal.SIGINT) is before


def test_what_is_ignored_stays_ignored(tmp_path):
    """A program that is run where SIGINT is ignored ignores it, too."""
    code = "import signal; print(repr(signal.getsignal(signal.SIGINT)))"
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        done = run([sys.executable, "-S", "-c", code], cwd=tmp_path, env={}, timeout=30)
    finally:
        signal.signal(signal.SIGINT, before)
    assert "SIG_IGN" in done.tail

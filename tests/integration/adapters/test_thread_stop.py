"""Rollouts in threads are asked to stop, because no signal can raise there."""

import signal
import sys
import threading
import time

import pytest

from lockgate.adapters.clock import SystemClock
from lockgate.adapters.process import run
from lockgate.adapters.signals import StopSignal, ThreadStop
from lockgate.core.reasons import Reason


def in_thread(work):
    """Run in a thread; give what it raised."""
    raised = []

    def call():
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - the test looks at whatever it was
            raised.append(type(error))

    thread = threading.Thread(target=call)
    thread.start()
    return thread, raised


def test_a_wait_in_an_interruptible_block_ends_when_told():
    """Within a look or two, not at the end of the wait; outside of such a block it waits."""
    stop = ThreadStop(StopSignal())
    clock = stop.clock(SystemClock())
    assert clock.monotonic() <= clock.monotonic()
    assert clock.now().tzinfo is not None

    def work():
        with stop.listening(), stop.interruptible():
            clock.sleep(60)

    thread, raised = in_thread(work)
    stop.tell("the failure of us", Reason.FLEET_FAILED)
    stop.tell("something later", Reason.INTERRUPTED)
    thread.join(20)
    assert raised == [KeyboardInterrupt]
    assert (stop.name, stop.reason, stop.requested) == ("the failure of us", Reason.FLEET_FAILED, 1)
    clock.sleep(0.01)


def test_a_signal_of_the_process_reaches_every_thread():
    """Each rollout sees the one signal, and a second one as a second."""
    signals = StopSignal()
    stop = ThreadStop(signals)
    assert not stop.asked()
    with signals.listening():
        signal.raise_signal(signal.SIGTERM)
    assert (stop.asked(), stop.name, stop.reason) == (True, "SIGTERM", Reason.INTERRUPTED)
    stop.tell("the failure of us", Reason.FLEET_FAILED)
    assert stop.requested == 1
    with signals.listening():
        signal.raise_signal(signal.SIGTERM)
    assert stop.requested == 2


def test_a_command_ends_when_its_thread_is_to_stop(tmp_path):
    """The whole process group goes, and what called it is interrupted."""
    asked = threading.Event()
    began = time.monotonic()

    def work():
        argv = [sys.executable, "-c", "import time; time.sleep(60)"]
        run(argv, cwd=tmp_path, env={}, timeout=120, stop=asked.is_set)

    thread, raised = in_thread(work)
    asked.set()
    thread.join(40)
    assert raised == [KeyboardInterrupt]
    assert time.monotonic() - began < 40


def test_a_command_still_times_out(tmp_path):
    """Looking at the wish to stop does not lengthen the time it has."""
    done = run(["/bin/sh", "-c", "sleep 30"], cwd=tmp_path, env={}, timeout=0.5)
    assert done.timed_out
    with pytest.raises(KeyboardInterrupt):
        run(["/bin/sh", "-c", "sleep 30"], cwd=tmp_path, env={}, timeout=5, stop=lambda: True)

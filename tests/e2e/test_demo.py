"""`python -m demo` as a program: what it leaves behind when it is cut off."""

import os
import signal
import subprocess
import sys

import pytest

from demo import processes
from demo.sandbox import PROJECT, Sandbox


@pytest.fixture
def demo(tmp_path):
    """A demo that has begun its first stage."""
    env = os.environ | {"PYTHONPATH": f"{PROJECT / 'examples'}{os.pathsep}{PROJECT}"}
    command = [sys.executable, "-P", "-m", "demo", "--into", str(tmp_path)]

    def start():
        return subprocess.Popen(
            command, cwd=tmp_path, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    running = start()
    for line in running.stdout:
        if "begins" in line:
            break
    yield running, start
    if running.poll() is None:
        running.send_signal(signal.SIGINT)
        running.communicate(timeout=30)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_a_demo_that_is_cut_off_leaves_nothing_running(demo, tmp_path, number):
    """Ctrl-C or a kill ends everything that was started, and says so with its exit code."""
    running, _ = demo
    running.send_signal(number)
    said, _ = running.communicate(timeout=30)
    assert running.returncode == 130, said
    assert "Traceback" not in said
    assert processes.end_all(Sandbox(tmp_path / "work")) == 0
    assert not (tmp_path / "work").exists()


def test_a_second_demo_in_the_same_folder_is_refused(demo):
    """Two runs in one folder would end each other's processes."""
    _, start = demo
    second = start()
    said, _ = second.communicate(timeout=30)
    assert second.returncode == 1
    assert "Another demo is running" in said

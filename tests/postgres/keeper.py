"""Waits for a test run to end, however it ends; then ends its PostgreSQL and removes what that kept."""

import contextlib
import os
import shutil
import signal
import sys
import time
from pathlib import Path

run, server, folder = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]


def alive(pid):
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


while alive(run) and alive(server):
    time.sleep(0.2)
with contextlib.suppress(ProcessLookupError):
    os.kill(server, signal.SIGQUIT)
for _ in range(400):
    if not alive(server):
        break
    time.sleep(0.05)
for _ in range(20):
    # Its last process may still write while the folder goes.
    shutil.rmtree(folder, ignore_errors=True)
    if not Path(folder).exists():
        break
    time.sleep(0.1)

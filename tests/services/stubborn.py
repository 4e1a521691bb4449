"""Listens on PORT, has a child process, and neither of them ends when asked to."""

import os
import signal
import socket
import subprocess
import time

signal.signal(signal.SIGTERM, signal.SIG_IGN)
# The child leads a group of its own, so that a signal to this group does not reach it.
child = subprocess.Popen(["/bin/sh", "-c", "trap '' TERM; while :; do sleep 1; done"], process_group=0)
listener = socket.create_server(("127.0.0.1", int(os.environ["PORT"])))
print(child.pid, flush=True)
time.sleep(600)

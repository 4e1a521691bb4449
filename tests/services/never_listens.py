"""Runs, and listens nowhere."""

import time

print("warming up", flush=True)
time.sleep(600)

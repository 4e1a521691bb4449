"""How long the board takes to be ready: from the start of its process to the first 200 of /readyz."""

import os
import statistics
from pathlib import Path

from bench.board import process
from bench.board.database import Ledger
from lockgate.adapters.console import Console

LIMIT = 1.0
RUNS = 9


def measure(console: Console, ledger: Ledger, folder: Path) -> bool:
    """Measure and tell; whether the limit was missed."""
    (port,) = process.ports(1)
    took, memory = [], []
    with process.provider(port) as provider:
        for _ in range(RUNS):
            with process.board(folder, port, provider.environment(ledger.board)) as board:
                took.append(board.started)
                memory.append(board.memory())
    median = statistics.median(took)
    console.table(
        f"Start, {RUNS} times",
        ["what", "figure"],
        [
            ["ready after, median / shortest / longest", f"{median:.2f} / {min(took):.2f} / {max(took):.2f} s"],
            ["memory then", f"{statistics.median(memory) / 1e6:.0f} MB"],
            ["machine", f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"],
        ],
    )
    if median > LIMIT:
        console.bad(f"it is ready after {median:.2f} s, where {LIMIT:g} s is the limit")
    return median > LIMIT

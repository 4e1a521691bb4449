"""What a person reads while a command runs: one line as each thing happens, with the time since the start."""

import os
import sys
from collections.abc import Iterable, Sequence
from importlib import import_module
from threading import RLock, Thread
from typing import TextIO

from lockgate.adapters import tracing
from lockgate.adapters.clock import Clock, SystemClock
from lockgate.core.redaction import printable, redact, unobeyed

_COLOURS = {"good": "32", "bad": "31", "warn": "33", "dim": "2", "bold": "1"}


class Console:
    """Progress on a terminal or in a job's log. Tables go through `rich`, loaded only then."""

    def __init__(self, stream: TextIO | None = None, *, clock: Clock | None = None, quiet: bool = False) -> None:
        self._stream = stream or sys.stderr
        self._clock = clock or SystemClock()
        self._start = self._clock.monotonic()
        self._quiet = quiet
        self._colour = self.terminal = self._stream.isatty()
        self._passing = False
        self._lock = RLock()
        """Several rollouts may speak at once: a line stays a line, and what belongs together stays together."""
        self.secrets: list[str] = []

    def step(self, text: str) -> None:
        """Something begins or goes on."""
        self._say("·", "dim", text)

    def good(self, text: str) -> None:
        """Something went well."""
        self._say("✓", "good", text)

    def warn(self, text: str) -> None:
        """Something a person should know, that stops nothing."""
        self._say("!", "warn", text)

    def bad(self, text: str) -> None:
        """Something failed."""
        self._say("✗", "bad", text)

    def external(self, line: str) -> None:
        """A line from another program: fenced by its prefix, so that it cannot speak to the workflow runner."""
        with self._lock:
            for part in printable(line).split("\n"):
                self._write(self._paint("dim", f"{self._margin(8)}| ") + part)

    def passing(self, text: str) -> None:
        """A line that the next one replaces; only for a terminal."""
        if self._quiet:
            return
        elapsed = f"{self._clock.monotonic() - self._start:6.1f}s"
        line = redact(f"{elapsed} · {printable(text)}", self.secrets)[: self._width() - 1]
        print(f"\r\x1b[2K{self._paint('dim', line)}", end="", file=self._stream, flush=True)
        self._passing = True

    def done(self) -> None:
        """End a line that would have been replaced."""
        if self._passing:
            self._passing = False
            print("\r\x1b[2K", end="", file=self._stream, flush=True)

    def show(self, lines: Iterable[str]) -> None:
        """Lines that belong together and to what was said before, such as a plot."""
        for line in lines:
            self._write(f"{self._margin(10)}{printable(line)}")

    @staticmethod
    def expect_table() -> None:
        """Load what a table needs while something else is waited for."""
        Thread(target=import_module, args=("rich.console",), daemon=True).start()

    def table(self, title: str, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """A table. Cells are plain text."""
        from rich.console import Console as Rich  # noqa: PLC0415 - heavy, and seldom needed
        from rich.table import Table  # noqa: PLC0415
        from rich.text import Text  # noqa: PLC0415

        table = Table(title=title or None, title_justify="left", title_style="bold")
        for column in header:
            table.add_column(column, overflow="fold")
        for row in rows:
            table.add_row(*(Text(redact(printable(cell), self.secrets)) for cell in row))

        class Screen(Rich):
            def on_broken_pipe(self) -> None:
                raise BrokenPipeError  # rich would end the process with 1; the command line ends it with 0

        self.done()
        width = None if self._stream.isatty() else 140
        Screen(file=self._stream, width=width, highlight=False).print(table)

    def _say(self, mark: str, colour: str, text: str) -> None:
        if self._quiet:
            return
        elapsed = f"{self._clock.monotonic() - self._start:6.1f}s{self._label()}"
        first, *rest = printable(text).split("\n")
        with self._lock:
            self._write(f"{self._paint('dim', elapsed)} {self._paint(colour, mark)} {first}")
            for line in rest:
                self._write(f"{self._margin(10)}{line}")

    def _write(self, text: str) -> None:
        if not self._quiet:
            with self._lock:
                self.done()
                print(unobeyed(redact(text, self.secrets)), file=self._stream, flush=True)

    def _label(self) -> str:
        """Give the rollout's trace, for every line of a job's log; on a terminal only where traces are sent."""
        label = tracing.label(always=not self.terminal)
        return f" {label}" if label else ""

    def _margin(self, width: int) -> str:
        """Give what a line without a time begins with."""
        label = self._label()
        return f"{'':7}{label}{'':{width - 7}}" if label else " " * width

    def _width(self) -> int:
        try:
            return os.get_terminal_size(self._stream.fileno()).columns or 80
        except OSError:
            return 80

    def _paint(self, colour: str, text: str) -> str:
        return f"\x1b[{_COLOURS[colour]}m{text}\x1b[0m" if self._colour else text

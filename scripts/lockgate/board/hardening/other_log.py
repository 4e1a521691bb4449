"""What libraries say that goes wrong: one JSON line as for a request, so that nothing leaves past the redaction."""

import json
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def told_too(write: Callable[[str], None]) -> Iterator[None]:
    """Have what is logged while the block runs written, a line each."""
    handler = OtherLog(write)
    logging.getLogger().addHandler(handler)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(handler)


class OtherLog(logging.Handler):
    """Takes every warning and error of the process, with its traceback."""

    def __init__(self, write: Callable[[str], None]) -> None:
        super().__init__(logging.WARNING)
        self._write = write

    def emit(self, record: logging.LogRecord) -> None:
        """Write one."""
        try:
            told = {
                "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(record.created)),
                "event": "log",
                "level": record.levelname.lower(),
                "logger": record.name,
                "message": record.getMessage(),
                "error": logging.Formatter().formatException(record.exc_info) if record.exc_info else None,
            }
            self._write(json.dumps({name: value for name, value in told.items() if value is not None}))
        except Exception:  # noqa: BLE001 - whoever says what went wrong must not go wrong by it
            self.handleError(record)

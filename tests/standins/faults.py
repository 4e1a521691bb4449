"""What a stand-in was told to do wrong: a list of faults, each used up after so many requests."""

import re
from dataclasses import dataclass, field
from threading import Lock


@dataclass
class Fault:
    """Answer requests like this one wrongly."""

    method: str
    path: str
    """A regular expression that the path must contain."""
    status: int = 500
    """0: the connection is closed without an answer."""
    times: int = 1
    headers: dict = field(default_factory=dict)
    message: str = "Server Error"
    after: bool = False
    """Whether the request is carried out before its answer is lost."""
    seconds: float = 0.0
    """How long the answer is kept back."""
    skip: int = 0
    """Requests like this one that are answered rightly before."""


class Faults:
    """The faults that are still to come."""

    def __init__(self):
        self._lock = Lock()
        self._all = []

    def add(self, method, path, **more):
        with self._lock:
            self._all.append(Fault(method, path, **more))

    def clear(self):
        with self._lock:
            self._all.clear()

    def take(self, method, path):
        """Give the fault for a request, and use it up."""
        with self._lock:
            for fault in self._all:
                if fault.times > 0 and method == fault.method and re.search(fault.path, path):
                    if fault.skip:
                        fault.skip -= 1
                        continue
                    fault.times -= 1
                    return fault
        return None

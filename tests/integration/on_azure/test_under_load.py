"""Both Azure targets with users: every outcome while a strict load asks what really runs there, and nobody is lost."""

import asyncio
import sys
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest

from bench.load import run_load
from tests.integration.on_azure.driver import Place
from tests.integration.on_azure.shop import KINDS
from tests.standins.azure.messages import error

pytestmark = pytest.mark.judged
PLAIN = Path(__file__).parents[2] / "services" / "plain.py"
BARRED = {
    "azure-app-service": [("POST .*/slotsswap$", 0), ("PATCH .*/config/web", 1)],
    "azure-container-apps": [("PATCH .*/containerApps/", 2)],
}
"""What Azure refuses from the second shift on, the way back too: pattern, and how many calls go well before."""


class Load:
    """Four keep-alive connections in a thread of their own, until the block ends."""

    def __init__(self, url):
        self._url, self.report = url, None
        self._loop, self._stop = asyncio.new_event_loop(), asyncio.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self):
        self.report = self._loop.run_until_complete(run_load(self._url, connections=4, rate=40, stop=self._stop))

    @contextmanager
    def running(self):
        self._thread.start()
        try:
            yield
        finally:
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(30)
            self._loop.close()


@pytest.fixture(params=KINDS)
def place(request, tmp_path, azure):
    azure.front.command = [sys.executable, "-S", str(PLAIN)]
    return Place(tmp_path / "machine", azure, request.param)


def test_every_outcome_under_load_loses_no_request(place, azure):
    """Deployed, aborted, rolled back, broken and recovered: every request is answered, and well but by what is broken."""
    place.begin(marks={"LOCKGATE_VERSION": "1.0"})
    place.behave("1.2", errors_after=2)
    place.behave("1.3", errors_after=40)
    load, outcomes = Load(place.app.users), []
    with load.running():
        outcomes += [str(place.deploy(version).outcome) for version in ("1.1", "1.2", "1.3")]
        for pattern, skip in BARRED[place.kind]:
            azure.faults.refuse(pattern, error(403, "AuthorizationFailed", "Not any more."), skip=skip, times=99)
        outcomes.append(str(place.deploy("1.4").outcome))
        azure.faults.waiting.clear()
        outcomes.append(str(place.recover().decision))
    assert outcomes == ["deployed", "aborted", "rolled_back", "broken", "passed"], place.said.getvalue()
    assert place.serves("1.1")
    report = load.report
    assert (report.failed, set(report.bad_by_version) - {"1.3"}) == (0, set()), report.errors
    assert set(report.by_version) >= {"1.0", "1.1", "1.4"}
    assert "1.2" not in report.by_version
    assert report.requests > 50

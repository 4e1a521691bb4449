"""The log of a registry's build while it grows: an append blob, read from where the last look ended."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from lockgate.adapters.clock import Clock
from lockgate.errors import AzureError

if TYPE_CHECKING:
    from azure.core import PipelineClient

_WHOLE, _PART = 200, 206
_CHUNK = 256 * 1024
_LAST_LOOKS = 5
_PAUSE = 1.0


class RunLog:
    """Hands over whole lines. A log that cannot be read never fails a build: the run itself says how it went.

    The address carries its own permission, so no token is sent there.
    """

    def __init__(self, find: Callable[[], str], clock: Clock, ca: str, on_line: Callable[[str], None]) -> None:
        self._find, self._clock, self._ca, self._on_line = find, clock, ca, on_line
        self._client: PipelineClient[Any, Any] | None = None
        self._url = ""
        self._offset = 0
        self._rest = b""
        self._complete = False

    def read(self) -> None:
        """Hand over what came since the last look."""
        while self._take() > _CHUNK:
            pass

    def finish(self) -> None:
        """Hand over the rest; the last lines can come a little after the run has ended."""
        for _ in range(_LAST_LOOKS):
            self.read()
            if self._complete:
                break
            self._clock.sleep(_PAUSE)
        if self._rest:
            self._say(self._rest)

    def close(self) -> None:
        """Let the connection go."""
        if self._client is not None:
            self._client.close()

    def _take(self) -> int:
        """Read one piece, and give how many bytes it had."""
        from azure.core.exceptions import AzureError as ClientError  # noqa: PLC0415
        from azure.core.rest import HttpRequest  # noqa: PLC0415

        try:
            client = self._client or self._open()
            wanted = {"Range": f"bytes={self._offset}-{self._offset + _CHUNK}"}
            answer = client.send_request(HttpRequest("GET", self._url, headers=wanted))
        except (ClientError, AzureError):
            return 0
        # 404 is a log that has not begun, 416 one that has nothing new.
        self._complete = "x-ms-meta-complete" in answer.headers
        if answer.status_code not in {_WHOLE, _PART}:
            return 0
        content = answer.content[self._offset :] if answer.status_code == _WHOLE else answer.content
        self._offset += len(content)
        *lines, self._rest = (self._rest + content).split(b"\n")
        for line in lines:
            self._say(line)
        return len(content)

    def _open(self) -> "PipelineClient[Any, Any]":
        from lockgate.adapters.azure.pipeline import anonymous  # noqa: PLC0415

        self._url = self._find()
        self._client = anonymous(self._url, self._clock, self._ca)
        return self._client

    def _say(self, line: bytes) -> None:
        self._on_line(line.decode(errors="replace").rstrip("\r"))

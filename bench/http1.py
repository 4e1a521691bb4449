"""A strict HTTP/1.1 client: it never sends a request twice.

Browsers, aiohttp and Go repeat a GET in silence when a kept-alive connection turns out to be closed. Measured with
them, a proxy that drops connections looks loss-free. Here every request is written once, and what happens to it counts.
"""

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import urlsplit

_LARGEST_BODY = 10_000_000
_NO_BODY = {204, 304}


class RequestError(Exception):
    """A request without an answer. Its text is one of few words, so that errors can be counted by kind."""


@dataclass(frozen=True)
class Answer:
    """One answer, whole. Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @cached_property
    def version(self) -> str:
        """Who answered: the header X-Version, else the field `version` of a JSON body, else ""."""
        if named := self.headers.get("x-version"):
            return named
        with suppress(ValueError):
            value = json.loads(self.body)
            if isinstance(value, dict):
                return str(value.get("version", ""))
        return ""


class Connection:
    """One connection to the place a URL names, kept alive from request to request, and opened anew after an error."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._tls = parts.scheme == "https"
        self._host = parts.hostname or ""
        self._port = parts.port or (443 if self._tls else 80)
        self._target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._common = f"Host: {parts.netloc}\r\nUser-Agent: lockgate-bench\r\nAccept: */*\r\n"
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(
        self, timeout: float, target: str = "", headers: Mapping[str, str] | None = None, body: bytes = b""
    ) -> Answer:
        """Ask once; a body is posted. Raise RequestError where no whole answer came within `timeout` seconds.

        `target` is a path with its query, instead of the one of the URL.
        """
        told = "".join(f"{name}: {value}\r\n" for name, value in (headers or {}).items())
        told += f"Content-Length: {len(body)}\r\n" if body else ""
        method = "POST" if body else "GET"
        request = f"{method} {target or self._target} HTTP/1.1\r\n{self._common}{told}\r\n".encode() + body
        try:
            async with asyncio.timeout(timeout):
                return await self._ask(request)
        except TimeoutError:
            await self.close()
            raise RequestError("timeout") from None
        except ConnectionRefusedError:
            raise RequestError("refused") from None
        except (asyncio.IncompleteReadError, ConnectionError):
            await self.close()
            raise RequestError("dropped") from None
        except (OSError, ValueError, IndexError, asyncio.LimitOverrunError) as error:
            await self.close()
            raise RequestError(type(error).__name__) from error
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Close the connection; the next request opens another."""
        if self._streams is not None:
            writer = self._streams[1]
            self._streams = None
            writer.close()
            with suppress(OSError, TimeoutError):
                async with asyncio.timeout(1):
                    await writer.wait_closed()

    async def _ask(self, request: bytes) -> Answer:
        if self._streams is None:
            self._streams = await asyncio.open_connection(self._host, self._port, ssl=self._tls or None)
        reader, writer = self._streams
        writer.write(request)
        await writer.drain()
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        protocol, status = head[0].split(" ")[:2]
        lines = (line.partition(":") for line in head[1:] if line)
        headers = {name.lower(): value.strip() for name, _, value in lines}
        body = await _body(reader, int(status), headers)
        # A server that says it closes has dropped nothing.
        if protocol == "HTTP/1.0" or headers.get("connection", "").lower() == "close":
            await self.close()
        return Answer(int(status), headers, body)


async def _body(reader: asyncio.StreamReader, status: int, headers: Mapping[str, str]) -> bytes:
    if status in _NO_BODY:
        return b""
    if headers.get("transfer-encoding", "").lower() == "chunked":
        return await _chunks(reader)
    if "content-length" in headers:
        length = int(headers["content-length"])
        if length > _LARGEST_BODY:
            raise ValueError(length)
        return await reader.readexactly(length)
    return await reader.read(_LARGEST_BODY)


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    body = bytearray()
    while size := int((await reader.readline()).split(b";")[0], 16):
        body += (await reader.readexactly(size + 2))[:-2]
        if len(body) > _LARGEST_BODY:
            raise ValueError(len(body))
    while (await reader.readline()).strip():
        pass
    return bytes(body)

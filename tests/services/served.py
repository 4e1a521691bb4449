"""As much HTTP/1.1 as tests ask for. `http.server` alone takes longer to load than a service here needs to start."""

from contextlib import suppress
from socketserver import StreamRequestHandler, ThreadingTCPServer

IDLE_SECONDS = 75


class Handler(StreamRequestHandler):
    """Answers every request of a connection by `answer`."""

    timeout = IDLE_SECONDS
    disable_nagle_algorithm = True

    def handle(self) -> None:
        """Serve until the other end hangs up, or has been silent for too long."""
        with suppress(ConnectionError, TimeoutError):
            while request := self.rfile.readline():
                headers = {}
                while line := self.rfile.readline().strip():
                    name, _, value = line.decode("latin-1").partition(":")
                    headers[name] = value.strip()
                status, told, body = self.answer(request.decode("latin-1").split()[1], headers)
                lines = [f"HTTP/1.1 {status} ", *(f"{name}: {value}" for name, value in told.items())]
                # In one packet: a second one would wait for the first one's acknowledgement.
                self.wfile.write("\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body)

    def answer(self, target: str, headers: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        """Give status, headers and body for a request without a body."""
        raise NotImplementedError


class Server(ThreadingTCPServer):
    """Takes as many connections at once as the load opens."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128

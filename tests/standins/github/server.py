"""The HTTP side: routes, authentication, permissions, rate limits, faults, and the record of what was said."""

import json
import socket
import threading
import time
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.standins.exchanges import Exchanges
from tests.standins.faults import Faults
from tests.standins.github import checks, contents, deployments, environments, issues, pulls, runs, scanning
from tests.standins.github.state import Refused, Repository

AREAS = (checks, contents, deployments, environments, issues, pulls, runs, scanning)
LEVELS = ["none", "read", "write"]
ALL = dict.fromkeys(
    (
        "actions",
        "attestations",
        "checks",
        "contents",
        "deployments",
        "issues",
        "pull-requests",
        "security-events",
        "statuses",
    ),
    "write",
)


class GitHub:
    """One repository behind one token, on a port of its own."""

    def __init__(self, repository="ada/shop", token="ghs_standin", permissions=None):
        self.repository = repository
        self.token = token
        self.permissions = dict(ALL if permissions is None else permissions)
        self.exchanges = Exchanges()
        self.faults = Faults()
        self.limit = None
        """Requests that are answered before the primary rate limit is reached; None: no limit."""
        self.lock = threading.RLock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self.state = Repository(repository, self.url)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    def env(self, **more):
        """What a job of a workflow run has in its environment."""
        return {
            "GITHUB_ACTIONS": "true",
            "GITHUB_API_URL": self.url,
            "GITHUB_SERVER_URL": "https://github.com",
            "GITHUB_REPOSITORY": self.repository,
            "GITHUB_RUN_ID": str(self.state.run_id),
            "GITHUB_RUN_ATTEMPT": "1",
            "GITHUB_SHA": self.state.head,
            "GITHUB_REF": "refs/heads/main",
            "GITHUB_REF_PROTECTED": "true",
            "GITHUB_ACTOR": "ada",
            "LOCKGATE_GITHUB_TOKEN": self.token,
            **more,
        }

    def close(self):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _granted(self, scope):
        """Every token that sees a repository may read what it is."""
        return "read" if scope == "metadata" else self.permissions.get(scope, "none")

    def answer(self, method, target, body, headers):
        """Give status, headers and body."""
        parts = urlsplit(target)
        if headers.get("Authorization") not in {f"token {self.token}", f"Bearer {self.token}"}:
            return (
                401,
                {},
                {"message": "Bad credentials", "documentation_url": "https://docs.github.com/rest", "status": "401"},
            )
        prefix = f"/repos/{self.repository}"
        path = unquote(parts.path)
        if path.lower() != prefix and not path.lower().startswith(prefix + "/"):
            return 404, {}, _message("Not Found", 404)
        path = path[len(prefix) :]
        with self.lock:
            if self.limit is not None:
                if self.limit == 0:
                    reset = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(time.time()) + 3600)}
                    return 403, reset, _message("API rate limit exceeded for installation.", 403)
                self.limit -= 1
            for area in AREAS:
                for verb, pattern, scope, level, handle in area.ROUTES:
                    match = pattern.fullmatch(path)
                    if verb != method or not match:
                        continue
                    if LEVELS.index(self._granted(scope)) < LEVELS.index(level):
                        need = {"x-accepted-github-permissions": f"{scope.replace('-', '_')}={level}"}
                        return 403, need, _message("Resource not accessible by integration", 403)
                    try:
                        status, answer = handle(self.state, dict(parse_qsl(parts.query)), body, *match.groups())
                    except Refused as refused:
                        return refused.status, {}, _message(refused.message, refused.status)
                    return status, {}, answer
        return 404, {}, _message("Not Found", 404)


def _message(text, status):
    return {"message": text, "documentation_url": "https://docs.github.com/rest", "status": str(status)}


def _handler(github):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # head and body in one packet, or each answer waits 40 ms for an acknowledgement

        def _serve(self):
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            fault = github.faults.take(self.command, unquote(urlsplit(self.path).path))
            if fault and fault.seconds:
                time.sleep(fault.seconds)
            if fault is None or fault.after or (fault.seconds and fault.status < 300):
                status, headers, answer = github.answer(self.command, self.path, body, self.headers)
                github.exchanges.add(self.command, github.url + self.path, body, status, headers, answer, self.headers)
            if fault and not (fault.seconds and fault.status < 300):
                if fault.status == 0:
                    self.close_connection = True
                    self.connection.shutdown(socket.SHUT_RDWR)
                    return
                status, headers, answer = fault.status, fault.headers, _message(fault.message, fault.status)
            self._send(status, headers, answer)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve

        def _send(self, status, headers, answer):
            payload = b"" if answer is None else json.dumps(answer).encode()
            self.send_response_only(status)
            self.send_header("Date", formatdate(time.time() + github.state.skew, usegmt=True))
            self.send_header("Content-Type", "application/json; charset=utf-8")
            self.send_header("Content-Length", str(len(payload)))
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(payload)

        def log_message(self, *_):
            pass

        def handle_one_request(self):
            try:
                super().handle_one_request()
            except (ConnectionError, OSError):
                self.close_connection = True

    return Handler

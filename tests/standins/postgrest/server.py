import json
import re
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, unquote, urlsplit

import psycopg
from psycopg import sql

from tests.standins.postgrest import queries
from tests.standins.postgrest.keys import Keys, Refusal

STATUSES = {"23505": 409, "23503": 409, "42883": 404, "42P01": 404, "25006": 405, "57014": 500, "P0001": 400}


class PostgREST:
    """One project's REST API; `fault` is answered instead of everything while it is set: (status, body)."""

    def __init__(self, dsn):
        self.keys = Keys()
        self.fault = None
        self.requests = []
        self._dsn = dsn
        self._free = []
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"project": self}))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def rest(self):
        return f"{self.url}/rest/v1"

    def run(self, claims, work):
        """Do some work in one transaction as the role of a key."""
        with self._lock:
            connection = self._free.pop() if self._free else None
        connection = connection or psycopg.connect(self._dsn)
        try:
            with connection.transaction(), connection.cursor() as cursor:
                cursor.execute(sql.SQL("set local role {}").format(sql.Identifier(claims["role"])))
                cursor.execute("select set_config('request.jwt.claims', %s, true)", (json.dumps(claims),))
                answer = work(cursor)
        except psycopg.OperationalError:
            with suppress(psycopg.Error):
                connection.close()
            raise
        except BaseException:
            self._put_back(connection)
            raise
        self._put_back(connection)
        return answer

    def _put_back(self, connection):
        with self._lock:
            self._free.append(connection)

    def close(self):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        for connection in self._free:
            connection.close()


class Handler(BaseHTTPRequestHandler):
    project: PostgREST
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    timeout = 30

    def log_message(self, *_):
        pass

    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.project.requests.append((self.command, self.path, dict(self.headers)))
        claims = {"role": "anon"}
        try:
            if self.project.fault:
                status, answer = self.project.fault
            else:
                claims = self._claims()
                status, answer = self.project.run(claims, lambda cursor: self._route(cursor, body))
        except Refusal as error:
            status, answer = error.status, json.dumps(error.body).encode()
        except psycopg.Error as error:
            status, answer = _refused(error, claims["role"])
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_GET = do_POST = do_PATCH = do_DELETE = answer

    def _claims(self):
        key = self.headers.get("apikey")
        if not key:
            raise Refusal(401, "401", "No API key found in request")
        of_key = self.project.keys.claims(key)
        bearer = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
        return self.project.keys.claims(bearer) if bearer and bearer != key else of_key

    def _route(self, cursor, raw):
        parts = urlsplit(self.path)
        if not parts.path.startswith("/rest/v1/"):
            raise Refusal(404, "PGRST125", "Invalid path specified in request URL")
        path = unquote(parts.path.removeprefix("/rest/v1/"))
        parameters = parse_qsl(parts.query, keep_blank_values=True)
        try:
            body = json.loads(raw) if raw else None
        except ValueError as error:
            raise Refusal(400, "PGRST102", "Empty or invalid json") from error
        if path.startswith("rpc/"):
            return queries.call(cursor, path.removeprefix("rpc/"), body or {})
        match self.command:
            case "GET":
                return queries.read(cursor, path, parameters)
            case "POST":
                return queries.insert(cursor, path, body)
            case "PATCH":
                return queries.change(cursor, path, parameters, body)
        return queries.remove(cursor, path, parameters)


def _refused(error, role):
    code = error.sqlstate or "PGRST000"
    if re.fullmatch(r"PT[2-5]\d\d", code):
        status = int(code[2:])
    elif code == "42501":
        status = 401 if role == "anon" else 403
    elif code == "PGRST000" or code.startswith(("08", "57P")):
        status = 503
    else:
        status = STATUSES.get(code, 400 if code[:2] in {"22", "23", "42"} else 500)
    told = {"code": code, "details": error.diag.message_detail, "hint": error.diag.message_hint}
    return status, json.dumps({**told, "message": error.diag.message_primary or "Database connection error"}).encode()

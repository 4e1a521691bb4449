"""`lockgate board`: what runs where and what happened, live in a browser. See docs/board.md."""

import argparse
import re
import sys
import threading
import webbrowser
from importlib.util import find_spec
from typing import TYPE_CHECKING

from lockgate.commands import board_entrance, board_shared
from lockgate.commands.project import Project
from lockgate.core.config_ledger import LedgerKind
from lockgate.core.reasons import Decision, Reason
from lockgate.core.result import Result
from lockgate.errors import ExtraMissingError, LedgerRefusedError, StateNotWritableError, UsageError
from lockgate.errors.extras import set_up

if TYPE_CHECKING:
    from lockgate.adapters.board.audit import LedgerAudit
    from lockgate.board.door import Door
    from lockgate.board.live.hub import Wake
    from lockgate.board.settings import Settings
    from lockgate.core.board.entrance import Entrance
    from lockgate.core.board.rows import BoardStore
    from lockgate.core.board.waiting import Approvals, Dispatch
    from lockgate.core.ledger import Ledger

DATABASE = "LOCKGATE_BOARD_DATABASE_URL"
"""The variable that holds the connection string of a ledger in PostgreSQL or Supabase; never an option, which every
user of the machine could read in the list of processes."""
_NEEDED = ("jinja2", "starlette", "uvicorn", "psycopg_pool")
_MOST_PORT = 65_535
_GITHUB_SECONDS = 8.0
_LEDGER_SECONDS = 5.0
_TROUBLE = 400
_NEAR = re.compile(r"https?://(localhost|127\.0\.0\.1|\[::1\])(:[0-9]{1,5})?")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's options."""
    parser.add_argument("--host", default="127.0.0.1", help="where to listen (default: 127.0.0.1)")
    parser.add_argument("--port", type=int, default=7171, help="0 takes any that is free (default: 7171)")
    parser.add_argument("--url", default="", help="where people find it behind a proxy on this machine")
    parser.add_argument("--workflow", default="", metavar="FILE", help="in .github/workflows: what the API starts")
    parser.add_argument("--no-open", action="store_true", help="do not open the browser")
    parser.add_argument("--new-token", default="", metavar="NAME", help="make a token for a program, and serve nothing")
    parser.add_argument("--role", choices=("viewer", "operator"), default="viewer", help="what the new token may do")
    parser.add_argument("--services", default="*", metavar="A,B", help="what the new token may see (default: all)")
    parser.add_argument("--days", type=int, default=90, help="how long the new token is good for (default: 90)")


def run(project: Project, arguments: argparse.Namespace) -> Result:
    """Serve until Ctrl-C, which is how it ends well."""
    if arguments.new_token:
        told = (arguments.new_token, arguments.role, arguments.services, arguments.days)
        return board_entrance.new_token(project, *told)
    settings, entrance = _settings(project, arguments)
    store, wake, what = _ledger(project)
    from lockgate.board.app import create_app  # noqa: PLC0415 - the web framework, where it is served
    from lockgate.board.assembly import assemble  # noqa: PLC0415
    from lockgate.board.hardening.other_log import told_too  # noqa: PLC0415
    from lockgate.board.server import bind, serve  # noqa: PLC0415

    listening = bind(settings)
    settings = _with_port(settings, listening.getsockname()[1])
    approvals, dispatch = _github(project, settings)
    door, audit = _door(project, entrance, settings), _audit(project)
    common = board_shared.shared(project)
    board = assemble(
        *(settings, store, wake, project.clock), door=door, approvals=approvals, dispatch=dispatch, audit=audit,
        shared=common, spans=board_shared.spans(project), secret=board_shared.secret(entrance),
    )  # fmt: skip
    # At a terminal sits a person, who sees the pages; a file or a collector gets a line for everything.
    least = _TROUBLE if sys.stderr.isatty() else 0

    def log(line: str) -> None:
        print(project.hide(line), file=sys.stderr, flush=True)

    app = create_app(board, log, least)
    here = "localhost" if settings.host in {"127.0.0.1", "::1"} else settings.host
    url = f"{settings.public_url or f'http://{here}:{settings.port}'}/"
    project.console.good(f"{what}: {url} (Ctrl-C ends it)")
    if not arguments.no_open:
        _open(url)
    try:
        with told_too(log):
            serve(app, settings, listening)
    except KeyboardInterrupt:
        project.console.step("the board has ended")
    return Result("board", Decision.PASSED, Reason.OK, "", url=url)


def _settings(project: Project, arguments: argparse.Namespace) -> "tuple[Settings, Entrance | None]":
    if missing := [name for name in _NEEDED if find_spec(name) is None]:
        raise ExtraMissingError(f"lockgate board needs {missing[0]}, which is not installed.", fix=set_up("board"))
    from lockgate.board.settings import LOOPBACK, WATCHERS_EACH, Settings  # noqa: PLC0415

    if not 0 <= arguments.port <= _MOST_PORT:
        raise UsageError(f"lockgate board: --port is 0 to {_MOST_PORT}, not {arguments.port}")
    entrance = board_entrance.entrance(project, loopback=arguments.host in LOOPBACK)
    if arguments.host not in LOOPBACK and entrance is None:
        raise UsageError(
            f"lockgate board: {arguments.host} can be reached by others, and the board has no sign-in.",
            fix=f"Set up signing in: see docs/board.md. Or listen on {LOOPBACK[0]}, and reach it from elsewhere by "
            f"`ssh -L {arguments.port}:localhost:{arguments.port}`, or `kubectl port-forward`.",
        )
    if arguments.url and not _NEAR.fullmatch(arguments.url):
        raise UsageError(
            f"lockgate board: --url is an address on this machine, such as http://localhost:8080, not {arguments.url}",
            fix="The board has no sign-in: whoever reaches the proxy would see everything.",
        )
    hosted = project.runner.hosted
    settings = Settings(
        host="127.0.0.1" if arguments.host == "localhost" else arguments.host,
        port=arguments.port,
        repository=hosted.repository,
        server_url=hosted.server_url,
        service=project.config.service if project.config_path.is_file() else "",
        workflow=arguments.workflow,
        watchers_each=board_shared.watchers_each(project, WATCHERS_EACH),
        public_url=entrance.public_url if entrance else arguments.url,
        trusted_proxies=entrance.trusted_proxies if entrance else frozenset(),
    )
    return settings, entrance


def _door(project: Project, entrance: "Entrance | None", settings: "Settings") -> "Door | None":
    """Give the door where people sign in; None lets in who is on this machine."""
    if entrance is None:
        return None
    from lockgate.board.auth.door import SignInDoor  # noqa: PLC0415
    from lockgate.board.auth.sessions import Sessions  # noqa: PLC0415

    provider = board_entrance.provider(entrance, project)
    sessions = Sessions(board_entrance.keys(entrance, project), settings.secure, entrance.session_hours)
    return SignInDoor(provider, entrance.access, sessions, project.clock.now, entrance.tokens)


def _audit(project: Project) -> "LedgerAudit":
    """Give what keeps who changed what. The ledger is opened to write when the first of it is to be kept."""
    from lockgate.adapters.board.audit import LedgerAudit  # noqa: PLC0415

    def opened() -> "Ledger":
        if dsn := _dsn(project):
            from lockgate.adapters.ledger.called import CalledLedger  # noqa: PLC0415
            from lockgate.adapters.ledger.postgres import PostgresCall  # noqa: PLC0415

            return CalledLedger(PostgresCall(dsn, _LEDGER_SECONDS))
        from lockgate.adapters.sqlite_ledger import SqliteLedger  # noqa: PLC0415

        return SqliteLedger(project.state_path / "ledger.db", project.clock)

    return LedgerAudit(opened)


def _github(project: Project, settings: "Settings") -> "tuple[Approvals | None, Dispatch | None]":
    """Give the ways to GitHub, where somebody may speak for this board there."""
    from lockgate.commands.github import open_github  # noqa: PLC0415 - GitHub's client

    hub = open_github(project, seconds=_GITHUB_SECONDS)
    if hub is None:
        return None, None
    from lockgate.adapters.github.board import GitHubApprovals, GitHubDispatch  # noqa: PLC0415

    start = GitHubDispatch(hub, settings.server_url, settings.workflow) if settings.workflow else None
    return GitHubApprovals(hub), start


def _with_port(settings: "Settings", port: int) -> "Settings":
    from dataclasses import replace  # noqa: PLC0415

    return replace(settings, port=port)


def _ledger(project: Project) -> "tuple[BoardStore, Wake, str]":
    """Open the ledger to read: the one of the variable, else the one that the config names, else this machine's."""
    if dsn := _dsn(project):
        return _postgres(dsn)
    kind = _kind(project)
    if kind is not LedgerKind.SQLITE:
        raise LedgerRefusedError(
            f"The board cannot read a ledger of the kind {kind} yet.",
            fix=f"For Supabase set {DATABASE} to the project's connection string (session pooler or direct, port 5432)."
            if kind is LedgerKind.SUPABASE
            else "Keep the ledger in SQLite, PostgreSQL or Supabase.",
        )
    return _sqlite(project)


def _dsn(project: Project) -> str:
    """Give the connection string of a ledger in PostgreSQL; "" where it is of another kind."""
    if dsn := (project.runner.secret(DATABASE) or "").strip():
        project.console.secrets += [dsn, *board_shared.password_of(dsn)]
        return dsn
    if _kind(project) is LedgerKind.POSTGRES:
        from lockgate.commands.ledgers import secret_of  # noqa: PLC0415

        return secret_of(project, project.config.ledger)
    return ""


def _kind(project: Project) -> LedgerKind:
    return project.config.ledger.kind if project.config_path.is_file() else LedgerKind.SQLITE


def _sqlite(project: Project) -> "tuple[BoardStore, Wake, str]":
    from contextlib import suppress  # noqa: PLC0415

    from lockgate.adapters.board.sqlite import SqliteBoard  # noqa: PLC0415
    from lockgate.adapters.board.wakes import SqliteWake  # noqa: PLC0415
    from lockgate.adapters.sqlite_ledger import SqliteLedger  # noqa: PLC0415

    path = project.state_path / "ledger.db"
    if path.is_file():
        with suppress(StateNotWritableError):
            SqliteLedger(path, project.clock)  # a file of an earlier version is brought up to date
    store = SqliteBoard(path)
    return store, SqliteWake(SqliteBoard(path).version), f"the ledger {path}"


def _postgres(dsn: str) -> "tuple[BoardStore, Wake, str]":
    from lockgate.adapters.board.postgres import PostgresBoard  # noqa: PLC0415
    from lockgate.adapters.board.wakes import PostgresWake  # noqa: PLC0415

    store = PostgresBoard(dsn)
    return store, PostgresWake(store.dsn), "the ledger in PostgreSQL"


def _open(url: str) -> None:
    """Open the browser of whoever sits there; none that would take the terminal over."""
    try:
        browser = webbrowser.get()
    except webbrowser.Error:
        return
    if type(browser) is webbrowser.GenericBrowser or not sys.stdout.isatty():
        return
    timer = threading.Timer(0.5, browser.open, [url])
    timer.daemon = True
    timer.start()

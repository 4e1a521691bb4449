"""`/api/deployments`: list them, read one, ask for one; and `/api/environments`."""

import json
import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, fields
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from lockgate.board.api.problems import problem
from lockgate.board.api.repeats import KEY, GoingOnError, OtherRequestError, Reply, mark_of
from lockgate.board.door import eyes_of, viewer_of
from lockgate.board.pages.history import links
from lockgate.board.wiring import Board, board_of, rollout_of
from lockgate.core.board.audit import Write
from lockgate.core.board.query import Filter, Page
from lockgate.core.board.request import Wanted, WantedError, parse
from lockgate.core.board.rows import Serving
from lockgate.core.board.viewer import Viewer
from lockgate.core.ledger import Deployment, LedgerEvent
from lockgate.errors import GitHubError, GitHubRefusedError, StateError

PATH = "/api/deployments"
_JSON = "application/json"
_FIELDS = tuple(field.name for field in fields(Serving))
_OWN = frozenset({"same-origin", "none", ""})


async def listed(request: Request) -> Response:
    """Give one page of deployments, with the addresses of the pages around it."""
    board, eyes, query = board_of(request), eyes_of(request), dict(request.query_params)
    try:
        wanted = Filter.parse(query)
        place = Page.parse(query.get("cursor", ""), query.get("limit", ""), wanted)
    except ValueError as error:
        return problem(400, "That cannot be searched for", str(error))
    key = ("history", eyes, wanted, place)
    found = await board.known.ask(key, lambda: board.store.history(eyes, wanted, place))
    around = links(PATH, wanted, place, found.value)
    body = {"deployments": [shown(row) for row in found.value.rows], "links": around}
    headers = {"Age": str(int(found.age))} if found.problem else None
    return JSONResponse(body, headers=headers)


async def one(request: Request) -> Response:
    """Give one deployment."""
    board, eyes, name = board_of(request), eyes_of(request), rollout_of(request)
    found = await board.known.ask(("deployment", eyes, name), lambda: board.store.deployment(eyes, name))
    if found.value is None:
        return problem(404, "There is no such deployment", "Or it is of a service that you may not see.")
    return JSONResponse(shown(found.value))


async def environments(request: Request) -> Response:
    """Give what serves in every place."""
    board, eyes = board_of(request), eyes_of(request)
    found = await board.known.ask(("environments", eyes), lambda: _written(board.store.serving(eyes)))
    return Response(found.value, media_type=_JSON)


def _written(serving: Sequence[Serving]) -> str:
    """Write it once for all who ask: of thousands of places it is most of what the answer costs."""
    return json.dumps({"environments": [_place(one) for one in serving]}, separators=(",", ":"))


def _place(one: Serving) -> dict[str, Any]:
    """What `asdict` gives, in a fifth of the time."""
    return {name: getattr(one, name) for name in _FIELDS} | {"found": asdict(one.found) if one.found else None}


async def create(request: Request) -> Response:
    """Ask the pipeline for a deployment. It is tested, scanned and approved there as every other one."""
    board, viewer = board_of(request), viewer_of(request)
    wanted = _refused(request, board) or await _wanted(request)
    if isinstance(wanted, Response):
        return wanted
    if board.dispatch is None:
        return problem(503, "Nothing can be started from here", "The board has no token, repository or workflow.")
    key = request.headers.get("idempotency-key", "")
    if not key:
        return _answer(await _start(board, viewer, wanted))
    return await _once(board, viewer, key, wanted)


async def _wanted(request: Request) -> Wanted | Response:
    """Read what is asked for, or say everything that is wrong with it."""
    try:
        return parse(json.loads(await request.body()))
    except WantedError as error:
        return problem(422, "The request makes no sense", str(error), errors=error.problems)
    except (ValueError, RecursionError):
        return problem(400, "The body is not JSON")


async def _once(board: Board, viewer: Viewer, key: str, wanted: Wanted) -> Response:
    who = "\n".join(str((viewer.claims or {}).get(name, "")) for name in ("iss", "sub")) + f"\n{viewer.name}"
    key = f"{who}\n{key}"
    try:
        known = await board.repeats.begin(key, mark_of(who, wanted.to_dict()))
    except OtherRequestError:
        return problem(422, "The key was used for another request", "Use a new Idempotency-Key for each request.")
    except GoingOnError:
        return problem(409, "The same request is being carried out", "Ask again in a moment, with the same key.")
    if known is not None:
        return _answer(known, repeated=True)
    reply = None
    try:
        reply = await _start(board, viewer, wanted)
    finally:
        # What was refused, or not even heard, may be tried again; what was accepted is done once.
        await board.repeats.end(key, reply if reply and reply.status < 300 else None)  # noqa: PLR2004 - HTTP
    return _answer(reply)


async def _start(board: Board, viewer: Viewer, wanted: Wanted) -> Reply:
    """Record who asks for what, do it, and record how it went. What cannot be recorded is not done."""
    write = Write(secrets.token_hex(8), viewer, "start a deployment", wanted.environment, wanted.to_dict())
    try:
        await _record(board, write.event(_now(board)))
    except StateError as error:
        return Reply(503, {"title": "It cannot be recorded, so it was not done", "detail": error.what})
    reply = await _dispatched(board, wanted)
    with suppress(StateError):  # it is done; that it was asked for is kept
        told = {"status": reply.status, "url": str(reply.body.get("url", ""))}
        await _record(board, write.event(_now(board), told))
    return reply


async def _record(board: Board, event: LedgerEvent) -> None:
    if (audit := board.audit) is not None:
        await board.known.run(lambda: audit.record(event))


def _now(board: Board) -> str:
    return board.now().isoformat(timespec="milliseconds")


async def _dispatched(board: Board, wanted: Wanted) -> Reply:
    dispatch = board.dispatch
    assert dispatch is not None  # noqa: S101 - asked before
    inputs = {name: value for name, value in wanted.to_dict().items() if name != "branch"}
    try:
        where = await board.known.run(lambda: dispatch.start(wanted.branch, inputs))
    except GitHubRefusedError as error:
        return Reply(422, {"title": "GitHub refused", "detail": error.what})
    except GitHubError as error:
        return Reply(502, {"title": "GitHub did not answer", "detail": error.what})
    return Reply(202, {"status": "requested", **wanted.to_dict(), "url": where})


def _answer(reply: Reply, *, repeated: bool = False) -> Response:
    if reply.status >= 400:  # noqa: PLR2004 - HTTP
        return problem(reply.status, str(reply.body["title"]), str(reply.body["detail"]))
    headers = {"Location": str(reply.body["url"])} | ({"Idempotency-Replayed": "true"} if repeated else {})
    return JSONResponse(reply.body, reply.status, headers)


def _refused(request: Request, board: Board) -> Response | None:
    """Refuse what a page of somebody else's could have made a browser send, and who may not."""
    headers = request.headers
    if headers.get("content-type", "").partition(";")[0].strip().lower() != _JSON:
        return problem(415, "Send JSON", f"The Content-Type must be {_JSON}.")
    origin = headers.get("origin")
    foreign = origin is not None and origin not in board.settings.origins
    if foreign or headers.get("sec-fetch-site", "") not in _OWN:
        return problem(403, "That came from a foreign page")
    if not viewer_of(request).operates:
        return problem(403, "You may look, not deploy", "That needs the role operator.")
    if not viewer_of(request).sees(board.settings.service):
        return problem(403, "You may not deploy here", "The pipeline is of a service that you may not see.")
    key = headers.get("idempotency-key", "")
    if key and not KEY.fullmatch(key):
        return problem(400, "That is no Idempotency-Key", "It is 1 to 100 printable letters without a space.")
    return None


def shown(row: Deployment) -> dict[str, Any]:
    """Give the JSON form of a deployment: what `lockgate history --json` gives, with its page."""
    return {**asdict(row), "metadata": dict(row.metadata), "page": f"/rollouts/{row.id}"}

"""The API in words for programs: OpenAPI 3.1 at `/api/openapi.json`. A test holds every answer to it."""

from functools import cache
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from lockgate import __version__
from lockgate.board.api.problems import TYPE
from lockgate.core.board.query import MOST, STATUSES
from lockgate.core.board.request import LONGEST_BRANCH, PLATFORMS

_TEXT = {"type": "string"}


async def show(_request: Request) -> Response:
    """Give the description."""
    return JSONResponse(description())


@cache
def description() -> dict[str, Any]:
    """Describe every path, parameter and body."""
    listed = _answer("One page of deployments, the newest first", _ref("Page"))
    return {
        "openapi": "3.1.0",
        "info": {"title": "Lockgate's board", "version": __version__},
        "paths": {
            "/api/deployments": {
                "get": {
                    "operationId": "listDeployments",
                    "parameters": _filters(),
                    "responses": {"200": listed, "400": _problem("A filter or cursor that makes no sense")},
                },
                "post": {
                    "operationId": "createDeployment",
                    "description": "Starts the pipeline, where the usual approvals still wait. Needs an operator.",
                    "parameters": [_parameter("Idempotency-Key", "header", {**_TEXT, "maxLength": 100})],
                    "requestBody": {"required": True, "content": {"application/json": {"schema": _ref("Wanted")}}},
                    "responses": {
                        "202": _answer("The pipeline was asked", _ref("Requested")),
                        **{str(code): _problem(text) for code, text in _REFUSALS.items()},
                    },
                },
            },
            "/api/deployments/{id}": {
                "get": {
                    "operationId": "getDeployment",
                    "parameters": [{**_parameter("id", "path", _TEXT), "required": True}],
                    "responses": {"200": _answer("It", _ref("Deployment")), "404": _problem("There is none")},
                }
            },
            "/api/environments": {
                "get": {
                    "operationId": "listEnvironments",
                    "responses": {"200": _answer("What serves in every place", _ref("Environments"))},
                }
            },
        },
        "components": {"schemas": _schemas()},
    }


_REFUSALS = {
    400: "The body is not JSON, or the key is none",
    403: "Not an operator, or a foreign page",
    409: "The same request is being carried out",
    413: "The body is too long",
    415: "Not JSON",
    422: "A field that makes no sense, a key that was used for something else, or GitHub refused",
    502: "GitHub did not answer",
    503: "The board can start nothing",
}


def _filters() -> list[dict[str, Any]]:
    texts = ("service", "environment", "by", "commit", "text", "since", "until", "cursor")
    return [
        *(_parameter(name, "query", _TEXT) for name in texts),
        _parameter("status", "query", {**_TEXT, "enum": list(STATUSES)}),
        _parameter("limit", "query", {"type": "integer", "minimum": 1, "maximum": MOST}),
    ]


def _schemas() -> dict[str, Any]:
    words = ("id", "platform", "environment", "service", "commit_hash", "version", "deployed_at", "deployed_by", "page")
    deployment = dict.fromkeys(words, _TEXT) | {
        "status": {**_TEXT, "enum": list(STATUSES)},
        "metadata": {"type": "object"},
    }
    serving = ("service", "environment", "version", "commit", "digest", "rollout", "status", "tried", "at", "by")
    wanted = {
        "platform": {**_TEXT, "enum": list(PLATFORMS)},
        "environment": {**_TEXT, "minLength": 1, "maxLength": 200},
        "branch": {**_TEXT, "minLength": 1, "maxLength": LONGEST_BRANCH},
        "reference": {**_TEXT, "maxLength": 200, "description": "A commit or tag; empty for the branch's newest"},
    }
    return {
        "Deployment": _object(deployment),
        "Page": _object({
            "deployments": {"type": "array", "items": _ref("Deployment")},
            "links": {"type": "object", "additionalProperties": _TEXT},
        }),
        "Environments": _object({
            "environments": {
                "type": "array",
                "items": _object({**dict.fromkeys(serving, _TEXT), "verified": {"type": "boolean"}, "found": _FOUND}),
            }
        }),
        "Wanted": {**_object(wanted), "required": ["platform", "environment", "branch"]},
        "Requested": _object({**dict.fromkeys((*wanted, "url"), _TEXT), "status": {"const": "requested"}}),
        "Problem": {
            "type": "object",
            "properties": {"type": _TEXT, "title": _TEXT, "status": {"type": "integer"}, "detail": _TEXT,
                           "errors": {"type": "object", "additionalProperties": _TEXT}},
            "required": ["type", "title", "status"],
        },
    }  # fmt: skip


_FOUND = {
    "description": "What its scan found, in short; null where it was not scanned, or an earlier version did not say.",
    "type": ["object", "null"],
    "properties": {"at": _TEXT, "total": {"type": "integer"}, "newest": {"type": ["object", "null"]}},
    "required": ["at", "total", "newest"],
    "additionalProperties": False,
}


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def _answer(description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _problem(description: str) -> dict[str, Any]:
    return {"description": description, "content": {TYPE: {"schema": _ref("Problem")}}}


def _parameter(name: str, place: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": place, "schema": schema}

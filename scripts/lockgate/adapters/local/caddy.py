"""The proxy's configuration: written once, never reloaded, because a reload closes connections.

Each request reads the traffic file once, into a variable, and takes the route of exactly that text. One read is one
answer: there is no second look that a switch in between could make disagree with the first. Where a slot's revision
listens is read for each request, too, and changes only while the slot is empty.

Nothing is tried twice here: a service that fails must be seen to fail. One thing is outside our hands: Go's transport
sends a request again by itself if an idle connection turns out to be closed by the service before a byte of the answer
came, and only if the request is idempotent (net/http, `persistConn.shouldRetryRequest`). For others that race would be
a 502. So idle connections to the service are closed from this side first, after a second: gunicorn keeps them for 2 s,
uvicorn and Node for 5 s, aiohttp for 75 s or more. It also lets `retire` see quickly that nobody uses a revision.

Defaults that are relied on: the Host of the request is passed on; X-Forwarded-For, -Proto and -Host are set here, and
those that came with the request are not believed; a WebSocket lives until either side closes it, on the revision where
it was opened.
"""

from math import gcd
from typing import Any

from lockgate.adapters.local import ports
from lockgate.adapters.local.sockets import LOOPBACK
from lockgate.adapters.local.traffic import SPLITS, Shares, Slot, written

TRAFFIC_FILE = "traffic"
"""Relative to the directory the proxy runs in: a path in a placeholder must not hold braces, and users' paths may."""
REASON_HEADER = "X-Lockgate-Proxy"
_IDLE_UPSTREAM = "1s"
_LOG_MEGABYTES = 2


def configuration(port: int) -> dict[str, Any]:
    """Give Caddy's JSON: listen on `port`, send to the slots as the traffic file says."""
    return {
        "admin": {"disabled": True, "config": {"persist": False}},
        "logging": {"logs": {"default": {"level": "ERROR", "writer": _log()}}},
        "storage": {"module": "file_system", "root": "caddy"},
        "apps": {"http": {"grace_period": "1s", "servers": {"lockgate": _server(port)}}},
    }


def _server(port: int) -> dict[str, Any]:
    read_once = {"handle": [{"handler": "vars", "traffic": f"{{file.{TRAFFIC_FILE}}}"}]}
    return {
        "listen": [f"{LOOPBACK}:{port}"],
        "protocols": ["h1"],
        "automatic_https": {"disable": True},
        "routes": [read_once, *(_route(shares) for shares in SPLITS), _nobody()],
    }


def _route(shares: Shares) -> dict[str, Any]:
    serving = [slot for slot in Slot if shares[slot]]
    proxy: dict[str, Any] = {
        "handler": "reverse_proxy",
        "upstreams": [{"dial": f"{LOOPBACK}:{{file.{ports.file_name(slot)}}}"} for slot in serving],
        "transport": {"protocol": "http", "keep_alive": {"idle_timeout": _IDLE_UPSTREAM}},
        "flush_interval": -1,
    }
    if len(serving) > 1:
        # In lowest terms: Caddy gives a run of requests to the first, then a run to the next, and 9:1 alternates sooner
        # than 90:10.
        divisor = gcd(*(shares[slot] for slot in serving))
        weights = [shares[slot] // divisor for slot in serving]
        proxy["load_balancing"] = {"selection_policy": {"policy": "weighted_round_robin", "weights": weights}}
    return {"match": [{"vars": {"traffic": [written(shares)]}}], "handle": [proxy], "terminal": True}


def _nobody() -> dict[str, Any]:
    answer = {
        "handler": "static_response",
        "status_code": 503,
        "headers": {REASON_HEADER: ["no revision has traffic"], "Retry-After": ["1"]},
        "body": "No release is serving here yet.\n",
    }
    return {"handle": [answer], "terminal": True}


def _log() -> dict[str, Any]:
    return {"output": "file", "filename": "caddy.log", "roll_size_mb": _LOG_MEGABYTES, "roll_keep": 1}

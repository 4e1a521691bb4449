"""The proxy's configuration and the traffic file, as data."""

import json

from lockgate.adapters.local.caddy import configuration
from lockgate.adapters.local.traffic import NOBODY, SPLITS, written


def _routes() -> list[dict]:
    return configuration(8080)["apps"]["http"]["servers"]["lockgate"]["routes"]


def test_every_split_has_exactly_one_route() -> None:
    """No state of the traffic file is without a route, and none has two that could disagree."""
    wanted = [route["match"][0]["vars"]["traffic"] for route in _routes() if "match" in route]
    assert sorted(wanted) == sorted([written(shares)] for shares in SPLITS)
    assert len(SPLITS) == 21


def test_the_traffic_is_read_once() -> None:
    """One read for each request, before all routes: a second look could see another state."""
    assert json.dumps(_routes()).count("{file.traffic}") == 1
    assert _routes()[0]["handle"] == [{"handler": "vars", "traffic": "{file.traffic}"}]


def test_whoever_has_nothing_is_not_asked() -> None:
    """At 0 and 100 percent only one service is known to the route."""
    dials = {
        route["match"][0]["vars"]["traffic"][0]: [each["dial"] for each in route["handle"][0]["upstreams"]]
        for route in _routes()
        if "match" in route
    }
    assert dials["blue=100 green=0"] == ["127.0.0.1:{file.blue.port}"]
    assert dials["blue=0 green=100"] == ["127.0.0.1:{file.green.port}"]
    assert dials["blue=90 green=10"] == ["127.0.0.1:{file.blue.port}", "127.0.0.1:{file.green.port}"]


def test_weights_are_in_lowest_terms() -> None:
    """5 of 100 is 19 to 1: the smaller the round, the more even the mixture."""
    weights = [
        route["handle"][0]["load_balancing"]["selection_policy"]["weights"]
        for route in _routes()
        if route.get("match") == [{"vars": {"traffic": ["blue=95 green=5"]}}]
    ]
    assert weights == [[19, 1]]


def test_nothing_hides_a_failure() -> None:
    """No retries and no health checks of the proxy's own: the gate must see what users would."""
    text = json.dumps(configuration(8080))
    assert [word for word in ("retries", "try_duration", "health_checks", "fallback") if word in text] == []


def test_it_listens_here_only_and_has_no_admin() -> None:
    """Nobody else on the network can reach it, and nobody on this machine can change it."""
    config = configuration(8080)
    assert config["apps"]["http"]["servers"]["lockgate"]["listen"] == ["127.0.0.1:8080"]
    assert config["admin"] == {"disabled": True, "config": {"persist": False}}


def test_nobody_is_not_a_split() -> None:
    """Before the first release the last route answers, for every text it does not know."""
    assert NOBODY not in SPLITS
    last = _routes()[-1]
    assert "match" not in last
    assert last["handle"][0]["status_code"] == 503

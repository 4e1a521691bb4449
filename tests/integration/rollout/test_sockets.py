"""WebSockets through a rollout: held at the front door while the traffic is shifted, each close counted."""

import sys
from pathlib import Path

SERVICE = Path(__file__).parents[2] / "services" / "sockets.py"


def websocket_of(result):
    """What each watch saw of the indicator."""
    return {
        each["stage"]: one
        for each in result["data"]["analyses"]
        for one in each["indicators"]
        if one["name"] == "websocket"
    }


def test_connections_are_held_through_the_switch_and_a_close_between_two_watches_counts(shop):
    """Nobody watches while a command runs and traffic moves: what is closed then is the next watch's first sample.

    No shift closes any: the proxy keeps a connection on the revision it was opened on.
    """
    goodbye = shop.root / "goodbye"
    shop.config["environments"]["production"]["migration"] = {"before": f"touch {goodbye}; sleep 1.5"}
    shop.gate["probes"].append({"kind": "websocket", "path": "/ws", "send": "hello", "hold": 3, "timeout": "5s"})
    shop.gate["rate"] = 15
    shop.config["build"]["bundle"]["start"] = f"exec {sys.executable} service.py"  # it imports aiohttp
    (shop.root / "service.py").write_text(SERVICE.read_text().replace('"goodbye"', repr(str(goodbye))))
    shop.write()
    shop.deploy("1.0")
    code, result, told = shop.deploy("1.1")
    assert (code, result["decision"]) == (0, "deployed"), told
    seen = websocket_of(result)
    assert {stage: one["bad"] for stage, one in seen.items()} == {"pre_promotion": 0, "step": 3, "bake": 0}
    assert all("held for" in text and "closed with code 1001" in text for text in seen["step"]["examples"])

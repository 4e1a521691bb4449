"""A running shop, at LOCKGATE_URL, as a visitor's browser sees it."""

import json
import os

import httpx2
import pytest
from websockets.sync.client import connect


@pytest.fixture
def shop() -> str:
    return os.environ["LOCKGATE_URL"].rstrip("/")


def test_a_visitor_sees_the_shelf(shop: str) -> None:
    """The home page lists products with prices."""
    answer = httpx2.get(f"{shop}/", timeout=5)
    assert answer.status_code == 200
    assert all(product["price"] > 0 for product in answer.json()["products"])


def test_every_page_comes_from_one_version(shop: str) -> None:
    """The home page, the health page and the WebSocket agree on the version."""
    versions = {httpx2.get(f"{shop}{path}", timeout=5).headers["X-Version"] for path in ("/", "/health")}
    with connect(f"{shop.replace('http', 'ws', 1)}/ws") as socket:
        socket.send("hello")
        answer = json.loads(socket.recv(timeout=5))
    assert answer["echo"] == "hello"
    assert versions == {answer["version"]}

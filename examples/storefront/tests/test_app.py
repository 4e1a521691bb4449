"""What a visitor of the shop gets."""

import pytest
from starlette.testclient import TestClient

from storefront import app as pages
from storefront.app import make_app


@pytest.fixture
def shop() -> TestClient:
    return TestClient(make_app("1.2.3"), raise_server_exceptions=False)


def test_the_home_page_lists_products(shop: TestClient) -> None:
    """A visitor sees what there is to buy, with prices in cents."""
    answer = shop.get("/")
    assert answer.status_code == 200
    assert {"sku": "mug-01", "name": "Enamel mug", "price": 1400} in answer.json()["products"]


def test_every_answer_names_its_version(shop: TestClient) -> None:
    """The version is in the header of every answer, a missing page included."""
    assert [shop.get(path).headers["X-Version"] for path in ("/", "/health", "/no-such-page")] == ["1.2.3"] * 3


def test_health_names_the_components(shop: TestClient) -> None:
    """A healthy shop says so, part by part."""
    answer = shop.get("/health")
    assert answer.status_code == 200
    assert answer.json()["status"] == "ok"
    assert answer.json()["components"] == {"catalog": "ok"}
    assert answer.json()["version"] == "1.2.3"


def test_a_shop_with_nothing_to_sell_is_not_healthy(shop: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty shelf is a fault, not a quiet day."""
    monkeypatch.setattr(pages, "PRODUCTS", ())
    answer = shop.get("/health")
    assert answer.status_code == 503
    assert answer.json()["components"] == {"catalog": "empty"}


def test_the_websocket_echoes(shop: TestClient) -> None:
    """What is sent comes back, with the version that sent it."""
    with shop.websocket_connect("/ws") as socket:
        socket.send_text("hello")
        assert socket.receive_json() == {"version": "1.2.3", "echo": "hello"}

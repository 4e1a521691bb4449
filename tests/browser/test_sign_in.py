"""Signing in to the board in a real browser, at an OpenID provider of ours."""

from datetime import UTC, datetime

import pytest

from tests.browser import past
from tests.browser.processes import BoardProcess
from tests.browser.watching import live
from tests.standins.openid import OpenId


@pytest.fixture
def signing(tmp_path):
    """A board with sign-in, and its provider."""
    provider = OpenId(lambda: datetime.now(UTC))
    told = {"ISSUER": provider.issuer, "CLIENT_ID": provider.client, "CLIENT_SECRET": provider.secret}
    board = BoardProcess(tmp_path, settings={f"LOCKGATE_BOARD_OIDC_{name}": value for name, value in told.items()})
    provider.redirects = {f"{board.url}/auth/back"}
    (tmp_path / ".lockgate").mkdir(mode=0o700)
    past.write(board.ledger, [])
    yield board.start(), provider
    board.end()
    provider.close()


def test_somebody_signs_in_is_live_and_signs_out(signing, opened, accessible, seen):
    """Under the policy of the pages, with the cookies of a browser; what was open elsewhere says that it is over."""
    board, provider = signing
    page = opened()
    page.goto(f"{board.url}/history?by=ada")
    assert page.url == f"{board.url}/history?by=ada"
    page.goto(board.url)
    live(page)
    assert page.locator(".who").inner_text().startswith("ada@shop.example")
    assert page.evaluate("document.cookie") == ""
    accessible(page)
    seen(page, "signed-in")
    page.set_viewport_size({"width": 390, "height": 740})
    name, button = (page.locator(f".who {one}").bounding_box() for one in ("span", "button"))
    assert abs(name["y"] + name["height"] / 2 - button["y"] - button["height"] / 2) < 2, "beside each other"
    assert 370 < button["x"] + button["width"] <= 390, "at the edge, as the state of the connection above it"
    accessible(page)
    seen(page, "signed-in-phone")
    page.set_viewport_size({"width": 1280, "height": 800})
    other = page.context.new_page()
    other.goto(board.url)
    live(other)
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("heading", name="You have signed out").wait_for()
    accessible(page)
    seen(page, "signed-out")
    other.locator("#link.out").wait_for()
    assert (
        page.get_by_role("link", name="Sign out of your provider, too")
        .get_attribute("href")
        .startswith(provider.issuer)
    )
    provider.person["roles"] = []
    page.get_by_role("link", name="Sign in").click()
    page.get_by_role("heading", name="You may not look at this board").wait_for()
    accessible(page)
    seen(page, "no-role")

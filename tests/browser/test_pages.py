"""Every page, in each of the ways in which people look at it."""

import pytest

PAGES = {
    "environments": ("/", "Environments"),
    "history": ("/history", "History"),
    "search": ("/history?service=checkout&status=rolled_back", "History"),
    "no-match": ("/history?text=nothing-has-this", "History"),
    "mistake": ("/history?text=ab", "History"),
    "going": ("/rollouts/{going}", "1.28.0"),
    "deployed": ("/rollouts/{deployed}", ""),
    "rolled-back": ("/rollouts/{rolled_back}", ""),
    "metrics": ("/delivery", "Metrics"),
    "approvals": ("/approvals", "Approvals"),
    "compare": ("/compare?service=accounts", "Compare"),
    "compare-none": ("/compare", "Compare"),
    "missing": ("/rollouts/none", "Not Found"),
}
PAPER = {"light": "rgb(246, 248, 250)", "dark": "rgb(13, 17, 23)"}
PHONE = {"width": 360, "height": 740}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_whole_accessible_and_no_wider_than_its_window(name, lived, opened, accessible, seen):
    """In light, in dark and on a phone no script fails, axe-core finds nothing, nothing has to be scrolled sideways."""
    path, heading = PAGES[name]
    page = opened()
    page.goto(lived.url + path.format(**lived.named))
    assert page.locator("h1").count() == 1
    assert heading in page.locator("h1").inner_text()
    if "data-live" in page.content():
        page.locator("#link.on").wait_for()
    for look in ("light", "dark", "phone"):
        page.emulate_media(color_scheme="dark" if look == "dark" else "light")
        if look == "phone":
            page.set_viewport_size(PHONE)
        paper = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
        assert paper == PAPER.get(look, PAPER["light"])
        content, window = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        assert content <= window
        accessible(page)
        seen(page, f"{name}-{look}")


def test_an_empty_board_says_what_will_come_and_shows_it_when_it_comes(board, opened, accessible, seen):
    """The first rollout of all appears without a reload being forced on anybody."""
    page = opened()
    page.goto(board.url)
    assert "Nothing was deployed yet" in page.locator("main").inner_text()
    page.locator("#link.on").wait_for()
    accessible(page)
    seen(page, "empty-light", whole=False)

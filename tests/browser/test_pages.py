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
LOOKS = {
    "light": {},
    "dark": {"color_scheme": "dark"},
    "phone": {"viewport": {"width": 360, "height": 740}, "is_mobile": True, "has_touch": True},
}


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_whole_accessible_and_no_wider_than_its_window(name, look, lived, opened, accessible, seen):
    """No script fails, axe-core finds nothing, nothing has to be scrolled sideways; a picture of it is kept."""
    path, heading = PAGES[name]
    page = opened(**LOOKS[look])
    page.goto(lived.url + path.format(**lived.named))
    assert page.locator("h1").count() == 1
    assert heading in page.locator("h1").inner_text()
    if "data-live" in page.content():
        page.locator("#link.on").wait_for()
    seen(page, f"{name}-{look}")
    accessible(page)
    wide = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert wide[0] <= wide[1]
    assert page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == (
        "rgb(13, 17, 23)" if look == "dark" else "rgb(246, 248, 250)"
    )


def test_an_empty_board_says_what_will_come_and_shows_it_when_it_comes(board, opened, accessible, seen):
    """The first rollout of all appears without a reload being forced on anybody."""
    page = opened()
    page.goto(board.url)
    assert "Nothing was deployed yet" in page.locator("main").inner_text()
    page.locator("#link.on").wait_for()
    accessible(page)
    seen(page, "empty-light", whole=False)

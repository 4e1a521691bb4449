"""The board without a mouse, and while its ledger is away."""

import pytest

from tests.browser import past
from tests.browser.watching import AWAY, UNLOADED, live, told, untouched

# A date field shows the focus at the part of it that has it, which a script cannot see.
OUTLINED = """() => {
  const e = document.activeElement, s = getComputedStyle(e);
  return e.type === "date" || (e.matches(":focus-visible") && s.outlineStyle !== "none" && parseFloat(s.outlineWidth) >= 2);
}"""
ACTIVE = "() => (document.activeElement.textContent || document.activeElement.name || '').trim()"


def tab(page, times=1):
    for _ in range(times):
        page.keyboard.press("Tab")


def test_the_first_key_offers_a_way_past_the_menu(lived, opened, seen):
    """And the way leads to the content."""
    page = opened()
    page.goto(lived.url)
    tab(page)
    assert page.evaluate(ACTIVE) == "Skip to the content"
    assert page.locator(".skip").bounding_box()["x"] >= 0
    seen(page, "keyboard-skip", whole=False)
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    tab(page)
    assert page.evaluate("document.activeElement.closest('main') !== null")


@pytest.mark.parametrize("path", ["/", "/history", "/delivery", "/approvals", "/compare?service=accounts"])
def test_every_stop_of_the_tab_key_is_seen_and_they_come_in_reading_order(path, lived, opened):
    """Each has an outline, none is skipped, and the focus never goes back up."""
    page = opened()
    page.goto(lived.url + path)
    wanted = page.locator(
        "a[href]:visible, button:visible, input:visible, select:visible, [tabindex='0']:visible"
    ).count()
    order = "() => [...document.querySelectorAll('*')].indexOf(document.activeElement)"
    places = []
    while len(places) < 2 * wanted + 20:
        tab(page)
        place = page.evaluate(order)
        if page.evaluate("document.activeElement === document.body") or (places and place < places[-1]):
            break
        places.append(place)
        assert page.evaluate(OUTLINED), page.evaluate(ACTIVE)
    # A date field is one element with several stops, and the hidden link past the menu is one more.
    assert len(set(places)) >= wanted


def test_a_release_is_found_by_keyboard_alone(lived, opened):
    """From the first page to a rollout of last week: menu, search, result; the search stands in the address."""
    page = opened()
    page.goto(lived.url)
    tab(page, 4)
    assert page.evaluate(ACTIVE) == "History"
    page.keyboard.press("Enter")
    page.wait_for_url("**/history")
    page.get_by_label("Service").focus()
    page.keyboard.type("checkout")
    page.get_by_label("Outcome").focus()
    page.keyboard.type("rolled")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**service=checkout**")
    assert "status=rolled_back" in page.url
    rows = page.locator("tbody tr")
    assert rows.count() > 0
    assert set(page.locator("tbody .badge").all_inner_texts()) == {"rolled back"}
    rows.first.locator("th a").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/rollouts/**")
    page.go_back()
    assert page.get_by_label("Service").input_value() == "checkout"


def test_a_ledger_that_is_away_is_told_and_comes_back_by_itself(board, opened, accessible, seen):
    """What it last said is shown with its age; where it said nothing yet, a page that tries again."""
    past.write(board.ledger, told("1.0.0")[1])
    page = opened()
    page.goto(board.url)
    live(page)
    kept = board.ledger.read_bytes()
    for extra in ("-wal", "-shm"):
        board.ledger.with_name(board.ledger.name + extra).unlink(missing_ok=True)
    board.ledger.write_bytes(b"this is no database" * 1000)
    page.wait_for_timeout(1200)
    page.reload()
    page.get_by_text("The ledger cannot be read. This is what it said").wait_for()
    assert page.locator(".cell .version").inner_text() == "1.0.0"
    accessible(page)
    seen(page, "ledger-away", whole=False)
    other = opened()
    assert other.goto(f"{board.url}/history").status == 503
    accessible(other)
    seen(other, "ledger-away-first", whole=False)
    page.evaluate(UNLOADED)
    # The server going away as well takes nothing from anybody: neither what was known, nor the page that says why not.
    for one in (page, other):
        with one.expect_event("requestfailed", lambda request, mine=one: request.url == mine.url, timeout=AWAY):
            board.kill()
    assert page.locator(".cell .version").inner_text() == "1.0.0"
    assert "503" in other.locator(".code").inner_text()
    board.ledger.write_bytes(kept)
    past.write(board.ledger, told("1.1.0")[1])
    board.start()
    other.locator("tbody tr").first.wait_for()
    page.locator("#stale").wait_for(state="detached")
    page.locator(".cell .version").get_by_text("1.1.0").wait_for()
    untouched(page)
    live(page)

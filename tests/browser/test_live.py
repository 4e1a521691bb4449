"""What an open page hears, and what becomes of it when the server is killed."""

from tests.browser import past
from tests.browser.watching import AWAY, UNLOADED, live, told, untouched

HEARD = """
const parse = JSON.parse;
window.heard = [];
JSON.parse = (text) => { const frame = parse(text); window.heard.push(...(frame.events ?? []).map((one) => one.position)); return frame; };
"""
"""Keeps the positions of all events that a page is sent, in the order in which they come."""
NO_WEBSOCKETS = """
window.WebSocket = class { constructor() { setTimeout(() => this.onclose?.({ code: 1006 })); } close() {} };
"""


def test_environments_follow_a_rollout_without_a_reload(board, opened, seen):
    """That one is on its way, how far it is, and what serves in the end."""
    _, first = told("1.0.0")
    past.write(board.ledger, first)
    page = opened()
    page.goto(board.url)
    live(page)
    page.evaluate(UNLOADED)
    finding = page.locator(".cell .finding").inner_text()
    assert "newest finding CVE-2026-" in finding
    second = told("1.1.0")[1]
    past.write(board.ledger, second[:4])
    going = page.locator(".cell .going")
    going.get_by_text("1.1.0 is on its way").wait_for()
    seen(page, "live-going", whole=False)
    past.write(board.ledger, second[4:])
    page.locator(".cell .version").get_by_text("1.1.0").wait_for()
    going.wait_for(state="hidden")
    assert page.locator(".cell .badge").inner_text() == "verified"
    assert "newest finding CVE-2026-" in page.locator(".cell .finding").inner_text()
    assert page.locator(".cell .finding").inner_text() != finding, "it is that of the release that serves now"
    untouched(page)


def test_an_open_rollout_shows_each_step_as_it_happens(board, opened, seen):
    """Traffic, the gate's evidence, the journal; what is read anew takes neither the focus nor the place on the page."""
    _, first = told("1.0.0")
    stands, events = told("1.1.0", baseline=past.standing(first), fails=past.Watch.BAKE)
    cut = next(n for n, one in enumerate(events) if one.kind == "analysed.pre_promotion")
    past.write(board.ledger, [*first, *events[:cut]])
    page = opened()
    page.goto(f"{board.url}/rollouts/{stands.id}")
    live(page)
    page.evaluate(UNLOADED)
    assert page.locator("[data-part=gate] figure svg:visible").count() == 0
    end = next(n for n, one in enumerate(events) if one.kind == "analysed.bake")
    past.write(board.ledger, events[cut : end - 1])
    page.get_by_text("50 %").first.wait_for(state="hidden")
    page.locator(".legend").get_by_text("100 % 1.1.0").wait_for()
    past.write(board.ledger, events[end - 1 :])
    page.locator("header .badge").get_by_text("rolled back").wait_for()
    page.locator(".legend").get_by_text("100 % 1.0.0").wait_for()
    assert page.locator("[data-part=gate] figure svg:visible").count() > 2
    assert page.locator(".journal li").count() == len(events)
    untouched(page)
    seen(page, "live-rolled-back")


def test_history_says_what_is_new_and_leaves_the_page_to_its_reader(board, opened):
    """Rows do not jump away under somebody's hand: news are told, and shown when they are asked for; of its services alone."""
    _, first = told("1.0.0")
    past.write(board.ledger, first)
    page = opened(script=HEARD)
    page.goto(f"{board.url}/history?service=storefront")
    live(page)
    another, second = told("3.0.0", service="checkout")[1], told("1.1.0")[1]
    past.write(board.ledger, another)
    past.write(board.ledger, second)
    news = page.locator("#news")
    news.get_by_text("2 changes since this page was read").wait_for()
    before = len(first) + len(another)
    assert page.evaluate("window.heard") == list(range(before + 1, before + len(second) + 1))
    assert page.locator("tbody tr").count() == 1
    news.get_by_role("link").click()
    page.locator("tbody tr").nth(1).wait_for()
    assert page.url.endswith("/history?service=storefront")


def test_who_loses_the_server_says_so_comes_back_and_has_missed_nothing(board, opened, seen, accessible):
    """The board is killed, events happen, it comes back: the open page resumes where it was, each event once."""
    _, first = told("1.0.0")
    past.write(board.ledger, first)
    page = opened(script=HEARD)
    streams = []
    page.on("request", lambda request: streams.append(request.url) if "/events?" in request.url else None)
    page.goto(board.url)
    live(page)
    page.evaluate(UNLOADED)
    second = told("1.1.0")[1]
    past.write(board.ledger, second[:5])
    page.get_by_text("1.1.0 is on its way").wait_for()
    board.kill()
    page.locator("#link.late, #link.off").wait_for()
    seen(page, "server-away", whole=False)
    accessible(page)
    third = told("1.2.0")[1]
    past.write(board.ledger, [*second[5:], *third[:3]])
    board.start()
    live(page)
    past.write(board.ledger, third[3:])
    page.locator(".cell .version").get_by_text("1.2.0").wait_for()
    page.locator(".cell .going").wait_for(state="hidden")
    # From where the board had read to when it made the page, which may be a little before what the page shows.
    made_at = int(page.locator("body").get_attribute("data-head").partition(".")[0])
    assert made_at <= len(first)
    assert page.evaluate("window.heard") == list(range(made_at + 1, len(first) + len(second) + len(third) + 1))
    assert streams == [], "a server that was away is not one that lets no WebSocket through"
    untouched(page)


def test_where_websockets_are_blocked_the_page_is_live_all_the_same(board, opened):
    """By server-sent events, after two tries."""
    _, first = told("1.0.0")
    past.write(board.ledger, first)
    page = opened(script=NO_WEBSOCKETS)
    with page.expect_request("**/events?**", timeout=AWAY):
        page.goto(board.url)
    live(page)
    past.write(board.ledger, told("1.1.0")[1])
    page.locator(".cell .version").get_by_text("1.1.0").wait_for()


def test_what_arrives_is_text_whatever_it_looks_like(board, opened):
    """A version that is markup runs no script and makes no element, neither in a page nor by the live feed."""
    hostile = "<img src=x onerror=alert(1)>"
    page = opened()
    _, first = told("1.0.0")
    past.write(board.ledger, first)
    page.goto(board.url)
    live(page)
    past.write(board.ledger, told(hostile)[1])
    page.locator(".cell .version").get_by_text(hostile).wait_for()
    page.reload()
    page.locator(".cell .version").get_by_text(hostile).wait_for()
    page.locator(".cell .version a").click()
    page.locator("h1").get_by_text(hostile).wait_for()
    assert page.locator("img[src=x]").count() == 0

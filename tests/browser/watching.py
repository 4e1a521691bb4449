"""What tests of open pages share: a rollout that is told event by event, and whether a page is live and untouched."""

from datetime import UTC, datetime, timedelta

from tests.browser import past

UNLOADED = "window.untouched = true"
"""A mark that a reload would wipe away."""
AWAY = 60_000
"""Milliseconds that a page may take to come back: it waits longer from try to try, by chance."""


def told(version="1.0.0", service="storefront", **more):
    """Give a rollout that can be written event by event, and its events."""
    began = datetime.now(UTC) - timedelta(seconds=200)
    one = past.Rollout(f"r-{version}", service, "production", version, began, **more)
    return one, list(one.events())


def live(page):
    page.locator("#link.on").wait_for(timeout=AWAY)


def untouched(page):
    assert page.evaluate("window.untouched") is True, "the page was loaded anew"

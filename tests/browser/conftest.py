"""A browser, and boards to look at with it. Playwright drives Debian's Chromium; it brings no browser of its own."""

import importlib.util
import os
import shutil
from pathlib import Path

import pytest

from tests.browser import past
from tests.browser.processes import BoardProcess

ROOT = Path(__file__).resolve().parents[2]
SCREENSHOTS = Path(os.environ.get("SCREENSHOTS") or ROOT / ".cache" / "screenshots")
"""Each page as it was seen, for people."""
PICTURES = {"environments-light", "rolled-back-light", "metrics-light"}
"""Those that docs/board.md shows; they go to the folder in $PICTURES, one window high."""
PATIENCE = 15_000
"""Milliseconds."""
# Without the group `browser` the rest of the tests must still be found.
collect_ignore_glob = [] if importlib.util.find_spec("playwright") else ["test_*.py"]


def pytest_collection_modifyitems(items):
    for item in items:
        if "tests/browser/" in item.path.as_posix():
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def chromium():
    """Debian's Chromium. Without one these tests fail, because they were asked for."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - of a group that only these tests install

    names = (os.environ.get("CHROMIUM", ""), "chromium", "chromium-browser", "google-chrome")
    program = next(filter(None, map(shutil.which, names)), None)
    if not program:
        pytest.fail("These tests need Chromium: apt-get install chromium, or set CHROMIUM to its path.", pytrace=False)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def lived(tmp_path_factory):
    """A board over a month of rollouts, which nobody changes; with the names of some of them."""
    board = BoardProcess(tmp_path_factory.mktemp("lived"))
    events, board.named, _ = past.month()
    (board.folder / ".lockgate").mkdir(mode=0o700)
    past.write(board.ledger, events)
    yield board.start()
    board.end()


@pytest.fixture
def board(tmp_path):
    """A board of this test's own, over a ledger that is empty yet."""
    made = BoardProcess(tmp_path)
    (tmp_path / ".lockgate").mkdir(mode=0o700)
    past.write(made.ledger, [])
    yield made.start()
    made.end()


@pytest.fixture
def opened(chromium):
    """Open pages, each in a context of its own; whatever a page complains of fails the test."""
    contexts, complaints = [], []

    def new(**how):
        script = how.pop("script", "")
        context = chromium.new_context(**{"viewport": {"width": 1280, "height": 800}, **how})
        contexts.append(context)
        context.set_default_timeout(PATIENCE)
        if script:
            context.add_init_script(script)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(f"error: {error}"))
        page.on("console", lambda said: complaints.append(said.text) if _is_complaint(said) else None)
        page.on("dialog", lambda dialog: (complaints.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        return page

    yield new
    for context in contexts:
        context.close()
    assert complaints == []


def _is_complaint(said):
    # That a request or a connection failed is what some of these tests are about; each says so itself.
    expected = ("Failed to load resource", "WebSocket connection to", "net::ERR_")
    return said.type in {"error", "warning"} and not any(one in said.text for one in expected)


@pytest.fixture(scope="session")
def axe():
    """The script of axe-core. It is evaluated, because the page's policy lets no foreign script in."""
    import axe_playwright_python  # noqa: PLC0415

    return (Path(axe_playwright_python.__file__).with_name("axe.min.js")).read_text(encoding="utf-8")


@pytest.fixture
def accessible(axe):
    """Assert that axe-core finds nothing wrong in a page as it is now."""
    rules = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

    def check(page):
        if not page.evaluate("'axe' in window"):
            page.evaluate(axe)
        found = page.evaluate("tags => axe.run(document, {runOnly: tags})", rules)
        assert found["passes"], "axe-core looked at nothing"
        wrong = [
            (one["id"], node["target"], node["failureSummary"]) for one in found["violations"] for node in one["nodes"]
        ]
        assert wrong == []

    return check


@pytest.fixture
def seen():
    """Keep a picture of a page."""

    def keep(page, name, *, whole=True):
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=whole, animations="disabled")
        if os.environ.get("PICTURES") and name in PICTURES:
            page.screenshot(path=Path(os.environ["PICTURES"]) / f"board-{name}.png", animations="disabled")

    return keep

"""Answers as text for another replica: what is written is read as it was, and nothing else is believed."""

import json
from datetime import UTC, datetime

import pytest

from lockgate.core.board.coded import _CLASSES, NotOursError, named, opened, sealed
from lockgate.core.board.findings import Found, Short
from lockgate.core.board.query import Filter, Page
from lockgate.core.board.rows import Serving, Slice
from lockgate.core.board.story import tell
from lockgate.core.board.viewer import Role, Viewer
from lockgate.core.board.waiting import Waiting
from lockgate.core.board.watching import WatchNote
from lockgate.core.budgets import Breach, Kept, Promises
from lockgate.core.ledger import Deployment, LedgerEvent
from lockgate.core.metrics import Counted, Median, Period, Question

SECRET = b"secret"
ROW = Deployment(
    "r", "azure", "deployed", "production", "shop", "c" * 40, "1", "t", "ada", {"a": [1, None, {"b": 2.5}]}
)
WATCH = {"indicators": [{"name": "x", "bad": 1, "total": 2, "limit": 0.1, "evidence": [[1, 2]], "examples": ["y"]}]}
COMMITS = {"commits": {"count": 1, "listed": [{"sha": "c", "author": "ada", "subject": "s", "pull": 1}]}}
EVENTS = [LedgerEvent("r", n, "t", kind, "shop", "production", data) for n, (kind, data) in enumerate(
    [("rollout.started", {"plan": {}, **COMMITS}), ("analysed.bake", WATCH)])]  # fmt: skip
VALUES = [
    None,
    [
        Serving(
            "s", "e", "1", "c", "d", True, "r", "deployed", "1", "t", "ada", Short("t", 1, Found("CVE", "HIGH", "x"))
        )
    ],
    Slice([ROW], newer=False, older=True),
    tell(EVENTS),
    WatchNote("r", "s", "e", "bake", "t", {"x": 1}),
    [Waiting("production", "v", "t", "ada", "t", "https://x", ("bob",))],
    [Counted("s", "e", None, 1, 0, 0, 0, 0, 0, Median(1, 2.5), Median(0, None), Median(0, None), 0)],
    [Promises("s", "e", 2, 1, (Kept("deploy", "s", 3, 1, 2, 4.0, (Breach("r", "1", 4.0, 3),)),))],
]


def test_every_answer_comes_back_as_it_was():
    """Tuples and lists, mappings and None among them; each class that may travel does so here."""
    texts = [sealed(value, SECRET) for value in VALUES]
    assert [opened(text, SECRET) for text in texts] == VALUES
    assert {name for name in _CLASSES if any(f'"c":"{name}"' in text for text in texts)} == set(_CLASSES)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-.[]",
        sealed([1], b""),
        sealed([1], b"another"),
        sealed([1], SECRET)[:-1] + ",2]",
        "x." + json.dumps({"c": "Popen", "v": [["sh"]]}),
    ],
)
def test_what_nobody_of_ours_wrote_is_not_believed(text):
    with pytest.raises(NotOursError):
        opened(text, SECRET)


@pytest.mark.parametrize(
    "told", [{"c": "Popen", "v": []}, {"c": "Short", "v": [1]}, {"t": 5}, {"d": 5}, {"x": 1}, [{"c": []}]]
)
def test_nothing_but_these_data_can_be_made(told):
    """Also where no secret is set, and whoever may write to Redis writes what they like."""
    with pytest.raises(NotOursError):
        opened(f"-.{json.dumps(told)}", b"")


def test_what_is_no_answer_is_not_written():
    """A new kind of value is put on the list, or is not shared."""
    for value in (object(), {1, 2}, Filter()):
        with pytest.raises(TypeError):
            sealed(value, SECRET)


def test_a_question_has_one_name_for_each_viewer_and_state_of_the_ledger():
    """Services in any order are the same; another role, claim, service, filter, moment or end of the ledger is not."""
    now = datetime(2026, 11, 28, tzinfo=UTC)

    def name(head="1.a", **viewer):
        asked = Question("", "", now, now, Period.WEEK)
        eve = Viewer("eve", **{"services": frozenset("abc"), "claims": {"sub": "1", "x": ["y"]}, **viewer})
        return named(("history", eve, Filter(), Page(), asked), head)

    assert name() == name(services=frozenset("cba"), claims={"x": ["y"], "sub": "1"})
    others = [name("2.a"), name(role=Role.OPERATOR), name(services=None), name(services=frozenset("ab")),
              name(claims=None), name(claims={"sub": "2", "x": ["y"]}), named(("history", Viewer("eve")), "1.a")]  # fmt: skip
    assert len({name(), *others}) == len(others) + 1

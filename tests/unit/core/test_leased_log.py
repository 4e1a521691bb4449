"""The documents of the ledger on a branch: what is written is read back, and what comes late or twice changes nothing."""

import json
import random
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lockgate.core import log_parts, log_recent
from lockgate.core.leased_log import Head, dump_links, event, journal, link, load_links
from lockgate.core.ledger import LedgerEvent, as_json

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def an_event(seq, rollout="r1", kind="happened.x", data=None, second=0):
    return LedgerEvent(rollout, seq, f"2026-11-28T12:00:{second:02d}.000+00:00", kind, "shop", "production", data or {})


def placed(events):
    return [replace(link(one, fence), position=n) for n, (one, fence) in enumerate(events, 1)]


@settings(max_examples=30)
@given(st.lists(st.dictionaries(st.text(max_size=8), JSON, max_size=2), max_size=3))
def test_a_head_is_read_as_it_was_written(datas):
    """Leases, chain and events of any data; the same text each time, so that nothing is written for nothing."""
    head = Head().claimed(Head().place("shop", "production"), "ada", "c", NOW, 60)
    for seq, data in enumerate(datas):
        one = link(an_event(seq, data=data), 1)
        head = head.with_event(one, one.data)
    assert Head.load(head.dump()) == head
    assert Head.load(head.dump()).dump() == head.dump()
    assert [event(one) for one in load_links(dump_links(head.tail))] == [
        an_event(n, data=json.loads(as_json(data))) for n, data in enumerate(datas)
    ]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"version": 2}', '{"version": 1, "chain": {}}'])
def test_what_is_no_head_is_not_taken_for_one(text):
    """Whatever somebody put there; also what a later version may write."""
    with pytest.raises((ValueError, KeyError, TypeError)):
        Head.load(text)


def test_moving_on_is_done_once():
    """Two that move the same tail on leave what one would; what came meanwhile stays."""
    head = Head()
    for seq in range(3):
        head = head.with_event(link(an_event(seq), 1), "{}")
    moved = head.moved_to(2, 1)
    assert ([one.position for one in moved.tail], moved.segments, moved.moved) == ([3], (1,), 2)
    assert moved.moved_to(2, 1) == moved
    assert moved.chain == head.chain


@given(st.integers(0, 2**32), st.integers(1, 30))
def test_what_is_recent_does_not_depend_on_the_order(seed, count):
    """In pieces, shuffled, twice: the same is remembered, by its place in the log."""
    random_ = random.Random(seed)
    kinds = ["rollout.started", "happened.shifted", "happened.judged", "rollout.finished"]
    events = [
        (an_event(n % 4, f"r{n // 4}", kinds[n % 4], second=n % 60), random_.choice([1, 2])) for n in range(count)
    ]
    links = placed(events)
    once = log_recent.merged([], links)
    shuffled = random_.sample(links, len(links))
    some = random_.randrange(len(links) + 1)
    assert log_recent.merged(log_recent.merged([], shuffled[:some]), [*shuffled[some:], *shuffled]) == once


def test_what_is_recent_has_an_end_and_keeps_no_evidence():
    """The newest rollouts; of a beginning what the questions are about."""
    begun = {"plan": {"a": 1}, "platform": "local", "scan": "x" * 1000}
    links = placed([(an_event(0, f"r{n}", "rollout.started", begun), n) for n in range(log_recent.KEPT + 20)])
    kept = log_recent.merged([], links)
    assert [one.rollout for one in kept] == [f"r{n}" for n in range(20, log_recent.KEPT + 20)]
    assert event(kept[0]).data == {"plan": {"a": 1}, "platform": "local"}


def test_of_a_forked_journal_the_later_holder_is_believed():
    """From the number on at which the lease was taken over."""
    links = placed([(an_event(n), 1) for n in range(4)] + [(an_event(n), 2) for n in (2, 3)])
    assert [(one.seq, one.fence) for one in journal(links)] == [(0, 1), (1, 1), (2, 2), (3, 2)]


@settings(max_examples=30)
@given(st.dictionaries(st.text(max_size=8), JSON | st.text(min_size=1).map(lambda text: text * 9000), max_size=3))
def test_large_values_come_back_as_they_were(data):
    """Whatever they are, also what looks like the name of a part; and never more than a part in one file."""
    text = link(an_event(0, data={**data, "odd": {"$parts": ["0" * 64]}, "other": {"$parts": [["x"]]}}), 1).data
    kept, parts = log_parts.taken_out(text)
    assert log_parts.put_back(kept, parts) == text
    assert set(log_parts.named(kept)) == set(parts)
    for name in parts:
        with pytest.raises(ValueError, match="was changed"):
            log_parts.put_back(kept, {**parts, name: "[]"})

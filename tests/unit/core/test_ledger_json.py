"""Values as every ledger's database takes them."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockgate.core.ledger import as_json

ANY = st.text(st.one_of(st.characters(exclude_categories=()), st.sampled_from('\0\\ud83d\udc00\ud83d\udce9"')))


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("v1\udce9", "v1\ufffd"),
        ("\ud83d", "\ufffd"),
        ("\ud83d\ud83d\ude00", "\ufffd\U0001f600"),
        ("\ude00\ud83d", "\ufffd\ufffd"),
        ("🚢 ß \n", "🚢 ß \n"),
        ("a\0b", "a\u2400b"),
        (r"\u0000 \ud83d", r"\u0000 \ud83d"),
        ({"\udce9": [{"deep": "\udce9"}]}, {"\ufffd": [{"deep": "\ufffd"}]}),
    ],
)
def test_a_sign_stands_for_what_no_database_keeps(value, kept):
    """Half a surrogate pair, and U+0000; whole pairs, and texts that only look like an escape, stay."""
    assert json.loads(as_json(value)) == kept


@given(ANY)
def test_whatever_comes_in_is_utf8_without_a_zero(text):
    kept = json.loads(as_json(text))
    assert "\0" not in kept
    assert kept.encode().decode() == kept

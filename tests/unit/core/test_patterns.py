"""Text with holes."""

import re
import time

from hypothesis import given
from hypothesis import strategies as st

from lockgate.core.patterns import found_in, matches

TEXT = st.text("ab*", max_size=12)


@given(TEXT, TEXT)
def test_it_means_what_a_regular_expression_would(pattern, text):
    """A star is any text, everything else is itself."""
    expression = ".*".join(map(re.escape, pattern.split("*")))
    assert matches(pattern, text) == bool(re.fullmatch(expression, text, re.DOTALL))
    assert found_in(pattern, text) == bool(re.search(expression, text, re.DOTALL))


def test_no_text_makes_it_slow():
    """What takes a backtracking matcher for ever takes this one no time."""
    started = time.process_time()
    assert not found_in("*a" * 50 + "b", "a" * 65_536)
    assert not matches("*aab*" * 20, "a" * 65_536)
    assert time.process_time() - started < 1

"""Text from outside is shown, never obeyed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockgate.core import markdown
from lockgate.core.answers import Answer
from lockgate.core.redaction import hidden, printable, redact, shorten, unobeyed


@given(st.text())
def test_printable_text_has_no_controls_and_no_workflow_commands(text):
    """Whatever comes in."""
    shown = printable(text)
    assert "##[" not in shown
    assert not any(ord(c) < 32 and c not in "\t\n" for c in shown)
    assert not any(c in shown for c in "\x7f\x9b\u202e\u2066")


def test_escape_sequences_are_dropped_whole():
    """Colours, cursor moves and title changes leave nothing behind."""
    assert printable("\x1b[31mred\x1b[0m \x1b]0;title\x07ok\r\nnext\rlast") == "red ok\nnext\nlast"


def test_what_is_half_a_letter_is_shown_as_none():
    """A header with a byte that is no UTF-8, as Python decodes it: nothing could write it."""
    assert printable("v1\udce9 \ud83d 🚢") == "v1\ufffd \ufffd 🚢"


def test_secrets_are_replaced_longest_first():
    """A secret that contains another one is hidden whole; one of three letters would blank out ordinary words."""
    assert redact("token abcdef and abcd, but not abc", ["abcd", "abcdef", "abc"]) == "token *** and ***, but not abc"


SECRET = "hunter2-(hunter2)_hunter2"


@pytest.mark.parametrize("shown", range(8, len(SECRET)))
def test_a_secret_that_was_cut_is_hidden_too(shown):
    """From eight characters on, in a text, in Markdown, and where a service told it and more came after it."""
    cut = shorten(f"no: {SECRET} and so on", len("no: ") + shown)
    more = len(SECRET) - shown + len(" and so on")
    assert redact(cut, ["other", SECRET]) == f"no: ***... ({more} more characters)"
    escaped = markdown.escape(cut)
    assert hidden([escaped], [SECRET, markdown.escape(SECRET)]) == [f"no: ***... \\({more} more characters\\)"]
    said = "x" * (160 - shown) + SECRET + "."
    seen = Answer(0.1, 500, body=said.encode()).seen
    assert SECRET[:8] in seen
    assert SECRET[:8] not in redact(f"first: {seen}; {seen}; last", [SECRET])


def test_text_that_was_cut_elsewhere_is_left():
    """A few characters alike are no secret, and an ordinary text keeps its end."""
    for text in ("hunter2", "hunter2-x", "hunter2-(hunter2) and"):
        cut = f"{text}... (9 more characters)"
        assert redact(cut, [SECRET]) == cut
    assert redact("hunter2-(hun", [SECRET]) == "hunter2-(hun"


def test_each_line_of_a_secret_is_one():
    """A key of several lines is not shown by one of them; a line as short as a word hides nothing worth hiding."""
    key = "-----BEGIN KEY-----\nbGluZSBvbmU=\r\n  bGluZSB0d28=\nok\n-----END KEY-----\n"
    told = redact(f"{key} then bGluZSBvbmU= and bGluZSB0d28=, ok", [key])
    assert told == "*** then *** and ***, ok"
    assert hidden({"why": "bGluZSB0d28= is wrong"}, [key]) == {"why": "*** is wrong"}


def test_shortened_text_says_how_much_is_missing():
    """Nothing is cut silently."""
    assert shorten("abcdef", 4) == "abcd... (2 more characters)"
    assert shorten("abcd", 4) == "abcd"


@given(st.text())
def test_code_and_blocks_cannot_be_closed_from_inside(text):
    """The fence is longer than any run of backticks in the text."""
    fenced = markdown.block(text)
    fence = fenced.split("\n", 1)[0]
    assert fence not in fenced.split("\n", 1)[1].rsplit("\n", 1)[0]
    inline = markdown.code(text)
    ticks = len(inline) - len(inline.lstrip("`"))
    assert "`" * ticks not in inline[ticks:-ticks]


def test_a_table_has_one_line_a_row():
    """A newline in a cell does not break the table."""
    assert markdown.table(["a", "b"], [["1\n2", "3"]]) == "| a | b |\n| --- | --- |\n| 1 2 | 3 |"


@given(st.text(alphabet=" \t\n:a\u00a0\u2003"))
def test_no_line_of_the_log_begins_as_a_command_does(text):
    """GitHub's runner passes over the space before `::`, whatever space that is; a margin alone fences nothing."""
    assert not any(line.strip().startswith("::") for line in unobeyed(text).split("\n"))


def test_a_json_value_is_redacted_in_every_text_of_it():
    """In lists and mappings, keys too; a short value, which a name may be, is left."""
    value = {"a": ["x hunter2-hunter2 y", 1, None], "hunter2-hunter2": ("z",)}
    assert hidden(value, ["hunter2-hunter2", "x"]) == {"a": ["x *** y", 1, None], "***": ["z"]}
    assert hidden(value, []) is value

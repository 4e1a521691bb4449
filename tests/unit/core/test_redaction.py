"""Text from outside is shown, never obeyed."""

from hypothesis import given
from hypothesis import strategies as st

from lockgate.core import markdown
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


def test_secrets_are_replaced_longest_first():
    """A secret that contains another one is hidden whole; one of three letters would blank out ordinary words."""
    assert redact("token abcdef and abcd, but not abc", ["abcd", "abcdef", "abc"]) == "token *** and ***, but not abc"


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

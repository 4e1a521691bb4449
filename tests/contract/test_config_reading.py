"""Whatever bytes stand in lockgate.yml, reading it ends in a config or in one clear error, in linear time."""

import contextlib
import os
import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lockgate.adapters.config_file import LARGEST, load
from lockgate.adapters.yaml_positions import DEEPEST, MOST_VALUES, NotReadableError, read
from lockgate.core.config_problems import Position, Problem
from lockgate.errors import ConfigError, ConfigMissingError, ConfigUnreadableError

BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{after}: &{after} [{', '.join([f'*{before}'] * 9)}]\n"
    for before, after in zip("abcdefgh", "bcdefghi", strict=True)
)
UNREADABLE = {
    "empty": ("", "it is empty"),
    "only comments": ("# nothing\n\n", "it is empty"),
    "only a marker": ("---\n", "it is empty"),
    "a list": ("- a\n- b\n", "1:1: expected a mapping of keys, such as `service: storefront`, got a list"),
    "a word": ("storefront\n", 'got "storefront"'),
    "null": ("null\n", "got nothing"),
    "an open bracket": ("service: [a\n", "2:1: while parsing a flow sequence, did not find expected ',' or ']'"),
    "a tab": ("test:\n\tcommand: x\n", "indented with a tab"),
    "a colon in text": ("service: a: b\n", "1:11: mapping values are not allowed in this context; text that holds"),
    "a special character": ("service: @shop\n", "needs quotes"),
    "two documents": ("service: a\n---\nservice: b\n", "2:1: a second document starts here"),
    "a Python tag": ("service: !!python/object/apply:os.system [id]\n", "1:10: tags (!...) are not accepted"),
    "a plain tag": ("service: !!str a\n", "tags (!...) are not accepted"),
    "an unknown alias": ("service: *a\n", "1:10: an alias (*) refers to no anchor"),
    "an alias to itself": ("service: &a [*a]\n", "an alias (*) refers to no anchor (&) that is complete"),
    "a list as a key": ("? [a]\n: b\n", "1:3: a key must be plain text"),
    "a null byte": ("service: a\n\0", "2:1: the character U+0000 may not stand in YAML"),
    "a bell": ("service: 'a\a'\n", "1:12: the character U+0007"),
    "deep nesting": ("a: " + "[" * 100_000, f"nested more than {DEEPEST} deep"),
    "deep nesting over lines": (
        "".join(" " * level + "a:\n" for level in range(500)),
        f"nested more than {DEEPEST} deep",
    ),
    "a billion laughs": (BOMB, "more than 10,000 values"),
    "too many values": ("- a\n" * (MOST_VALUES + 1), "more than 10,000 values"),
    "long text many times": (f"a: &a {'x' * 500_000}\nb: [{', '.join(['*a'] * 5000)}]\n", "more than 10,000 values"),
    "an unknown version of YAML": ("%YAML 3.0\n---\na: b\n", "found incompatible YAML document"),
}


@pytest.fixture
def config(tmp_path):
    """A path for a config."""
    return tmp_path / "lockgate.yml"


@pytest.mark.parametrize("case", UNREADABLE)
def test_what_cannot_be_read_says_where_and_why(config, case):
    """Each way of not being a readable YAML mapping has its own words, with line and column where there are some."""
    text, words = UNREADABLE[case]
    config.write_text(text)
    with pytest.raises(ConfigUnreadableError) as caught:
        load(config)
    assert words in caught.value.what
    assert caught.value.fix
    assert caught.value.exit_code == 11


def test_a_missing_config_points_to_init(config):
    """Somebody without a config is told how to get one."""
    with pytest.raises(ConfigMissingError, match="lockgate init"):
        load(config)


def test_a_config_with_the_other_ending_is_noticed(config):
    """Somebody who wrote lockgate.yaml is told so."""
    config.with_suffix(".yaml").write_text("service: s\n")
    with pytest.raises(ConfigMissingError, match=r"there is a lockgate\.yaml"):
        load(config)


def test_a_directory_is_no_config(config):
    """A folder of that name is refused, not listed."""
    config.mkdir()
    with pytest.raises(ConfigUnreadableError, match="is not a file"):
        load(config)


def test_a_pipe_is_not_waited_for(config):
    """A named pipe nobody writes to does not hang the command."""
    os.mkfifo(config)
    with pytest.raises(ConfigUnreadableError, match="is not a file"):
        load(config)


def test_a_path_through_a_file_cannot_be_read(config):
    """What the system says about an impossible path is passed on."""
    config.write_text("service: s\n")
    with pytest.raises(ConfigUnreadableError, match="Not a directory"):
        load(config / "lockgate.yml")


def test_not_utf_8_says_where(config):
    """A file in another encoding is refused with the place of the first wrong byte."""
    config.write_bytes(b"service: s\n# caf\xe9\n")
    with pytest.raises(ConfigUnreadableError, match=r"lockgate\.yml:2: byte 16 is not UTF-8"):
        load(config)


def test_a_file_of_ten_megabytes_is_refused_unread(config):
    """Beyond one MiB nothing is parsed: the answer comes at once."""
    config.write_bytes(b"# a comment\n" * (10 * LARGEST // 12))
    started = time.process_time()
    with pytest.raises(ConfigUnreadableError, match="larger than 1024 KiB"):
        load(config)
    assert time.process_time() - started < 1


def test_a_file_of_exactly_the_limit_is_read(config):
    """The limit itself is still allowed."""
    text = b"service: s\nbuild: {kind: docker}\n"
    config.write_bytes(text + b"#" * (LARGEST - len(text)))
    assert load(config).service == "s"


def test_windows_text_is_read(config):
    """A byte order mark and carriage returns are how some editors save UTF-8."""
    config.write_bytes(b"\xef\xbb\xbfservice: s\r\nbuild: {kind: docker}\r\n")
    assert load(config).service == "s"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", "yes"), ("off", "off"), ("True", True), ("false", False), ("~", None), ("", None), ("5:30", "5:30"),
        ("010", "010"), ("0", 0), ("-7", -7), ("8_000", "8_000"), ("0x1F", "0x1F"), ("1.5", 1.5), (".5", 0.5), ("5.", 5.0),
        ("1e3", 1000.0), ("1e999", "1e999"), (".inf", ".inf"), (".nan", ".nan"), (".", "."), ("-", "-"), ("1" * 5000, "1" * 5000),
        ("2026-01-01", "2026-01-01"), ("'1'", "1"), ('"true"', "true"), ("=", "="), ("e5", "e5"), ("+", "+"),
    ],
)  # fmt: skip
def test_scalars_mean_what_yaml_1_2_says(text, value):
    """Nothing is a boolean, a date or an octal number by surprise."""
    if text == "-":
        with pytest.raises(NotReadableError):
            read("a: -")
        return
    found = read(f"a: {text}\n").document["a"]
    assert found == value
    assert type(found) is type(value)


def test_every_value_and_key_has_its_place():
    """Positions are counted from 1, in characters and not in bytes; an alias stands where its anchor is."""
    source = read("ä: [é, {b: c}]\nx: &x\n  y: 1\nz: *x\n")
    assert source.document == {"ä": ["é", {"b": "c"}], "x": {"y": 1}, "z": {"y": 1}}
    assert source.keys["ä", 1, "b"] == Position(1, 9)
    assert source.values["ä", 1, "b"] == Position(1, 12)
    assert source.keys[("z",)] == Position(4, 1)
    assert source.values["z", "y"] == Position(3, 6)
    assert source.locate(Problem(("x", "missing"), "")) == Position(2, 1)
    assert source.locate(Problem(("nowhere",), "")) == Position(1, 1)


def test_an_anchor_may_be_set_again():
    """An alias means the last anchor before it."""
    assert read("a: &x 1\nb: &x 2\nc: *x\n*x : 3\n").document == {"a": 1, "b": 2, "c": 2, "2": 3}


@pytest.mark.parametrize("levels", [9, 90, 900])
def test_a_bomb_costs_what_its_text_costs(levels):
    """However many levels of aliases there are, reading stops at the limit."""
    text = "a0: &a0 [x]\n" + "".join(f"a{n + 1}: &a{n + 1} [*a{n}, *a{n}]\n" for n in range(levels))
    started = time.process_time()
    if levels > 9:
        with pytest.raises(NotReadableError):
            read(text)
    else:
        read(text)
    assert time.process_time() - started < 1


@pytest.mark.parametrize(
    "text",
    [
        "? " * 500_000, "- " * 500_000, "{" * 1_000_000, "a: " * 300_000, "&a " * 300_000, "*a " * 300_000, "'" * 1_000_000,
        '"\\' * 500_000, "k" * 1_000_000, "k: |\n" + " x\n" * 300_000, "#\n" * 500_000, "a:\n" * 300_000, "!" * 1_000_000,
        "[" + "a," * 500_000, "{" + "a: b," * 200_000, "\n" * 1_000_000, "service: " + "a " * 500_000, "%" * 1_000_000,
        "".join(f"k{n}: 1\n" for n in range(9000)), "".join(f"kkkkkkkkkkkkkkkkkkkk{n}: &a{n} x\n" for n in range(4900)),
    ],
    ids=lambda text: repr(text[:8]),
)  # fmt: skip
def test_a_megabyte_of_anything_is_answered_in_seconds(config, text):
    """No shape of text makes reading take more than linear time."""
    config.write_text(text[: LARGEST - 1])
    started = time.process_time()
    with pytest.raises(ConfigError):
        load(config)
    assert time.process_time() - started < 10


def load_bytes(content):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "lockgate.yml"
        path.write_bytes(content)
        with contextlib.suppress(ConfigError):
            load(path)


@given(st.binary(max_size=200))
@example(b"\xff\xfe")
def test_no_bytes_break_the_reader(content):
    """Whatever the bytes, the answer is a config or a ConfigError."""
    load_bytes(content)


PIECES = st.sampled_from(
    ["service", "environments", "gate", "probes", "a", "b", ": ", ":", "\n", "\n  ", "\n    ", "- ", "[", "]", "{", "}", ", ",
     "&x ", "*x", "!!str ", "!", "|\n", ">\n", "'", '"', "\\", "#", " #", "? ", "---\n", "...\n", "%YAML 1.1\n", "<<", "null",
     "true", "5m", "1", "0.5", "\t", "@", "`", "ä", "\u2028", "\r", "$X", "ghp_" + "a" * 36, "password", "secrets", "steps"]
)  # fmt: skip


@settings(max_examples=200)
@given(st.lists(PIECES, max_size=40).map("".join))
@example("service: &a\n  *a : b\n")
@example("environments: {a: {strategy: {steps: [1.5, 100]}}}")
def test_no_text_that_looks_like_yaml_breaks_the_reader(text):
    """Whatever the text, the answer is a config or a ConfigError."""
    load_bytes(text.encode())


KEYS = st.sampled_from(
    ["service", "test", "scan", "build", "environments", "budgets", "secrets", "staging", "target", "strategy", "gate",
     "probes", "steps", "rate", "bake", "json", "env", "bundle", "start", "kind", "port", "minimum_samples", "availability"]
)  # fmt: skip
SCALARS = st.sampled_from(
    ["s", "5m", "0s", "1h", "90%", "0%", "100%", "docker", "8000", "0", "1", "5", "true", "~", "[]", "{}"]
)


@settings(max_examples=200)
@given(
    st.recursive(
        SCALARS,
        lambda inner: st.one_of(
            st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]"),
            st.dictionaries(KEYS, inner, max_size=4).map(
                lambda items: "{" + ", ".join(f"{key}: {value}" for key, value in items.items()) + "}"
            ),
        ),
        max_leaves=12,
    )
)
def test_no_document_of_our_own_keys_breaks_the_checks(text):
    """Keys and values that exist, in any order and place, are a config or a ConfigError."""
    load_bytes(text.encode())

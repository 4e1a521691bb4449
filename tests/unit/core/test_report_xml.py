"""The XML reader: a hostile or broken report is refused, quickly and in words."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockgate.core import coverage, junit, report_xml
from lockgate.core.report_xml import read, seconds, whole_number

BOMB = """<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]><testsuites>&b;</testsuites>"""


class Names:
    def __init__(self) -> None:
        self.seen: list[str] = []

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        self.seen.append(tag)

    def end(self, tag: str) -> None: ...

    def data(self, text: str) -> None: ...


@pytest.mark.parametrize(
    ("document", "told"),
    [
        (b"", "empty"),
        (b" \n", "empty"),
        (b"<!doctype html><html><p>not found</html>", "not XML"),
        (b"<testsuite>", "not XML"),
        (b'{"tests": 3}', "not XML"),
        (b"\xff\xfe<\x00a\x00/\x00>\x00", "not UTF-8"),
        (BOMB.encode(), "entities"),
        (BOMB.encode("utf-16"), "not UTF-8"),
    ],
)
def test_refuses(document, told):
    """What is not readable XML is refused with its reason."""
    with pytest.raises(ValueError, match=told):
        read(document, Names())


def test_refuses_what_is_too_large():
    """A report past the limit is refused before it is read."""
    with pytest.raises(ValueError, match="limit"):
        read(b" " * (report_xml.LIMIT_BYTES + 1), Names())


def test_declared_encoding_cannot_hide_an_entity():
    """The text is decoded by us: a declaration of another encoding does not change what was checked."""
    hidden = '<?xml version="1.0" encoding="utf-7"?><!DOCTYPE x [+ADwAIQ-ENTITY a "b">]><testsuites>&a;</testsuites>'
    with pytest.raises(ValueError, match="not XML"):
        read(hidden.encode(), Names())


def test_external_dtd_is_not_loaded():
    """Cobertura's reports name a DTD on the network: the document is read without it."""
    names = Names()
    read(b'<!DOCTYPE coverage SYSTEM "http://127.0.0.1:1/coverage-04.dtd"><coverage/>', names)
    assert names.seen == ["coverage"]


def test_byte_order_mark_is_accepted():
    """Tools on Windows write one."""
    names = Names()
    read(b"\xef\xbb\xbf<coverage/>", names)
    assert names.seen == ["coverage"]


def test_deep_nesting_does_no_harm():
    """A hundred thousand nested elements are read without a recursion error."""
    names = Names()
    read(b"<a>" * 100_000 + b"</a>" * 100_000, names)
    assert len(names.seen) == 100_000


@given(st.binary(max_size=300))
def test_any_bytes_end_in_a_report_or_a_value_error(document):
    """No input at all makes the parsers raise anything but ValueError."""
    for parse in (junit.parse, coverage.parse):
        try:
            parse(document)
        except ValueError as error:
            assert str(error)  # noqa: PT017 - either ending is right, silence is not


@pytest.mark.parametrize(
    ("text", "value"), [("1.5", 1.5), ("1,234.5", 1234.5), ("", 0), ("nan", 0), ("inf", 0), ("-3", 0), ("soon", 0)]
)
def test_seconds(text, value):
    """A time that is none counts as nothing."""
    assert seconds(text) == value


@pytest.mark.parametrize(
    ("text", "value"), [("12", 12), (" 0 ", 0), ("", None), ("-1", None), ("9" * 400, None), ("²", None)]
)
def test_whole_number(text, value):
    """Only plain decimal digits of a sane length are a number."""
    assert whole_number(text) == value

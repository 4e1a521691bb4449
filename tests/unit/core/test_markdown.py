"""Text from outside in Markdown: GitHub's own parser shows it and makes nothing of it."""

import re

import pytest

from lockgate.core import markdown

HOSTILE = [
    "<script>alert(1)</script> <img src=x onerror=alert(1)> </td></table> &lt; &#60;",
    "![x](http://evil.example/?leak) [a](javascript:alert(1)) [b]: http://evil.example <http://evil.example>",
    "**bold** _it_ ~~gone~~ `code` $x^2$ | cell \\| - [ ] task",
    "# title\n- item\n> quote\n1. one\n```\nblock",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_markup_is_shown_not_obeyed(text):
    """Every sign that opens something is escaped, whatever stands before it."""
    escaped = markdown.escape(text)
    assert not re.search(r"(?<!\\)(?:\\\\)*[`*_{}\[\]()!|~>$]", escaped)
    assert "<" not in escaped
    assert "\n" not in escaped
    assert re.sub(r"\\(.)", r"\1", escaped.replace("\u200b", "")).replace("&lt;", "<").replace(
        "&amp;", "&"
    ) == " ".join(text.split())


@pytest.mark.parametrize(
    "text",
    [
        "@octocat",
        "@ada/team",
        "a@octocat.example",
        "#12",
        "ada/shop#3",
        "GH-2",
        "http://evil.example",
        "www.evil.example",
    ],
)
def test_nobody_is_mentioned_and_nothing_linked(text):
    """GitHub looks for these after Markdown's escapes are gone; so they are broken up, and look the same."""
    escaped = markdown.escape(f"see {text} there")
    assert text not in escaped.replace("\\", "")
    assert not re.search(r"www\.|://", escaped)
    assert text in escaped.replace("\\", "").replace("\u200b", "")


@pytest.mark.parametrize("text", ["registry.example:5000/shop@sha256:" + "0a" * 32, "12:30:00", "C# 7"])
def test_what_means_nothing_can_still_be_copied(text):
    """No invisible character gets into a digest."""
    assert markdown.escape(text).replace("\\", "") == text

"""The five security headers, and the values that protect."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockgate.core.security_headers import NAMES, weaknesses

STRICT = {
    "strict-transport-security": "max-age=31536000; includeSubDomains; preload",
    "content-security-policy": "default-src 'self'; object-src 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "SAMEORIGIN",
    "referrer-policy": "strict-origin-when-cross-origin",
}


def weak(name, value):
    return list(weaknesses({**STRICT, name: value}))


def test_strict_values_are_good_and_missing_ones_are_named():
    """All five are looked at, by their names."""
    assert list(weaknesses(STRICT)) == []
    assert list(weaknesses({})) == [f"no {name}" for name in NAMES]
    assert list(weaknesses({}, frozenset({"x-frame-options"}))) == [f"no {n}" for n in NAMES if n != "X-Frame-Options"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("strict-transport-security", 'MAX-AGE="63072000" ; includesubdomains'),
        (
            "content-security-policy",
            "script-src 'nonce-abc' 'strict-dynamic' https: 'unsafe-inline'; object-src 'none'",
        ),
        ("content-security-policy", "img-src *; default-src 'none'"),
        ("content-security-policy", "img-src *, default-src 'self'"),
        ("x-content-type-options", "NoSniff"),
        ("x-frame-options", "deny"),
        ("referrer-policy", "unsafe-url, no-referrer"),
        ("referrer-policy", "no-referrer, something-new"),
    ],
)
def test_other_spellings_that_protect(name, value):
    """Letters of any case, several policies, and fallbacks for old browsers."""
    assert weak(name, value) == []


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("strict-transport-security", "max-age=300; includeSubDomains", "less than a year"),
        ("strict-transport-security", "max-age=31536000", "lacks includeSubDomains"),
        ("strict-transport-security", "includeSubDomains", "no max-age"),
        ("strict-transport-security", "max-age=31536000; max-age=0; includeSubDomains", "no max-age"),
        ("content-security-policy", "", "is empty"),
        ("content-security-policy", "img-src 'self'", "says nothing of scripts"),
        ("content-security-policy", "script-src 'self'", "says nothing of plugins"),
        ("content-security-policy", "default-src 'self' 'unsafe-inline'", "inline"),
        ("content-security-policy", "default-src 'self'; script-src 'self' 'unsafe-eval'", "unsafe-eval"),
        ("content-security-policy", "default-src *", "come from *"),
        ("content-security-policy", "default-src 'self'; object-src data:", "plugins come from data:"),
        ("content-security-policy", "script-src *; script-src 'self'; object-src 'none'", "come from *"),
        ("x-content-type-options", "sniff", "not nosniff"),
        ("x-frame-options", "ALLOW-FROM https://x.example", "neither"),
        ("x-frame-options", "DENY, SAMEORIGIN", "neither"),
        ("referrer-policy", "unsafe-url", "unsafe-url"),
        ("referrer-policy", "origin-when-cross-origin", "origin-when-cross-origin"),
        ("referrer-policy", "nonsense", "names no policy"),
    ],
)
def test_weak_values_are_told(name, value, words):
    """Each with what is weak about it."""
    (told,) = weak(name, value)
    assert told.lower().startswith(name)
    assert words in told


@given(st.sampled_from(list(STRICT)), st.text(max_size=80))
def test_no_value_breaks_it(name, value):
    """Whatever a server sends, there is at most one remark on it."""
    assert len(weak(name, value)) <= 1

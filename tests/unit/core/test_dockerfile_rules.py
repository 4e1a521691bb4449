"""What is unsafe in a Dockerfile is found on its line; what is safe is left in peace."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockgate.core.dockerfile_rules import bases, examine, instructions

ROOT = Path(__file__).parents[3]
PINNED = "python:3.13-slim@sha256:" + "a" * 64
GOOD = f'FROM {PINNED}\nUSER 10001:10001\nCMD ["app"]\n'


def rules(text):
    return [(unsafe.rule, unsafe.line) for unsafe in examine(text)]


@pytest.mark.parametrize("path", ["Dockerfile", "examples/storefront/Dockerfile"])
def test_our_own_images_are_safe(path):
    """Both Dockerfiles of this repository keep every rule."""
    assert rules((ROOT / path).read_text()) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (GOOD, []),
        (GOOD.replace(PINNED, "python:3.13"), [("unpinned-base", 1)]),
        (GOOD.replace(PINNED, "python"), [("unpinned-base", 1)]),
        ("ARG BASE=python:3\n" + GOOD.replace(PINNED, "${BASE}"), [("unpinned-base", 2)]),
        (f"ARG BASE={PINNED}\n" + GOOD.replace(PINNED, "$BASE"), []),
        (GOOD.replace(PINNED, f"${{BASE:-{PINNED}}}"), []),
        (GOOD.replace(PINNED, "${UNKNOWN}"), [("unpinned-base", 1)]),
        (f"FROM --platform=linux/amd64 {PINNED} AS build\nFROM build\nUSER app\n", []),
        ('FROM scratch\nCOPY app /\nUSER 1\nENTRYPOINT ["/app"]', []),
        (GOOD.replace("USER 10001:10001\n", ""), [("root", 1)]),
        (GOOD.replace("10001:10001", "root"), [("root", 2)]),
        (GOOD.replace("10001:10001", "0:0"), [("root", 2)]),
        (f"FROM {PINNED}\nUSER app\nFROM {PINNED}\n", [("root", 3)]),
        (GOOD.replace('["app"]', "python \\\n  app.py"), [("shell-form", 3)]),
        (GOOD + "ADD https://example.invalid/x /x\n", [("unverified-download", 4)]),
        (GOOD + f"ADD --checksum=sha256:{'a' * 64} https://example.invalid/x /x\n", []),
        (GOOD + "RUN apt-get update \\\n  # why\n  && curl -fsSL https://example.invalid | sh\n", [("piped-download", 4)]),
        (GOOD + "RUN <<EOF\nFROM other\nCMD x\nEOF\nENV DB_PASSWORD=x\n", [("secret-in-image", 8)]),
        (GOOD + "ENV TOKENS_PER_SECOND 5\n", []),
        ("", []),
    ],
)  # fmt: skip
def test_each_rule_and_its_line(text, found):
    """Stages, ARG defaults, continued lines, comments and here-documents are read as the builder reads them."""
    assert rules(text) == found
    assert all(unsafe.why for unsafe in examine(text))


def test_the_bases_are_what_the_dossier_names():
    """Every image that goes in, once; neither scratch nor a stage of its own."""
    text = f"FROM {PINNED} AS build\nFROM {PINNED}\nFROM build\nFROM scratch\nFROM debian:13\n"
    assert bases(text) == (PINNED, "debian:13")


@given(st.text(alphabet="FROMADUSEcmd \\\n#<$-{}=:@/[]\"'x0\x1b\u2028", max_size=300))
def test_no_text_is_too_strange(text):
    """Whatever somebody calls a Dockerfile: it is judged, in lines that exist."""
    assert all(1 <= one.line <= text.count("\n") + 1 for one in [*instructions(text), *examine(text)])

"""docs/configuration.md, docs/errors.md and the lists in the result's schema say what the code says."""

import re

import pytest

import generate_docs
from lockgate.core.reasons import Reason


@pytest.mark.parametrize("path", generate_docs.generated(), ids=lambda path: path.name)
def test_what_is_generated_is_up_to_date(path):
    """If this fails, run `python scripts/generate_docs.py`."""
    assert path.read_text(encoding="utf-8") == generate_docs.generated()[path]


def test_every_reason_is_explained():
    """Each reason code has a row of its own on the page, whether or not an error carries it."""
    page = generate_docs.error_page()
    for reason in Reason:
        assert len(re.findall(rf"^\|.*`{reason.value}` \|", page, re.MULTILINE)) == 1, reason


def test_every_key_is_on_the_page():
    """The example at the top of the page holds every key there is, so nobody has to guess where one goes."""
    page = generate_docs.configuration()
    example, _, tables = page.partition("```yaml")[2].partition("```")
    for key in re.findall(r"^\| `(\w+)` \|", tables, re.MULTILINE):
        assert re.search(rf"\b{key}: ?", example), key

"""docs/configuration.md, docs/errors.md and the lists in the result's schema say what the code says."""

import re
from dataclasses import replace

import pytest

import generate_docs
from lockgate.adapters.config_file import load
from lockgate.core.config import Approval
from lockgate.core.protection import Protection, examine
from lockgate.core.reasons import Reason
from lockgate.errors import ConfigInvalidError


@pytest.mark.parametrize("path", generate_docs.generated(), ids=lambda path: path.name)
def test_what_is_generated_is_up_to_date(path):
    """If this fails, run `python scripts/generate_docs.py`."""
    assert path.read_text(encoding="utf-8") == generate_docs.generated()[path]


def test_what_the_page_calls_needed_is_all_that_is_needed(tmp_path):
    """The service and how it is built or started: less is refused, and anything else may be left out."""
    needed = generate_docs.configuration().partition("Needed are ")[2].partition(". Everything else has a default")[0]
    assert needed == "`service`, and `build.kind: docker` (or podman, acr) or `build.bundle.start`"
    config = tmp_path / "lockgate.yml"
    for build in ("{kind: docker}", "{kind: podman}", "{bundle: {start: x}}"):
        config.write_text(f"service: shop\nbuild: {build}\n")
        assert load(config).service == "shop"
    config.write_text("service: shop\n")
    with pytest.raises(ConfigInvalidError, match=r"build\.bundle\.start: is missing"):
        load(config)


def test_getting_started_names_all_that_an_approval_needs():
    """Whatever `examine` looks for is switched on where the page says so, in GitHub's own words."""
    page = (generate_docs.ROOT / "docs" / "getting-started.md").read_text(encoding="utf-8")
    step = " ".join(page.partition("## 5. ")[2].partition("## When")[0].split())
    bare = Protection("production", branches="")
    found = [*examine(replace(bare, exists=False), Approval.REQUIRED), *examine(bare, Approval.REQUIRED)]
    assert [one.ok for one in found] == [False] * 4
    for words in re.findall(r"“(.+?)”|(`approval: .+?`)", " ".join(one.fix for one in found)):
        assert next(filter(None, words)) in step, words
    assert "`lockgate doctor`" in step


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

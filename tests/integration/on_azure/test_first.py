"""The first deploy to an app that was only just made: what Azure put there is nobody's release."""

import pytest

from lockgate.commands import adopt
from lockgate.core import azure_marks
from lockgate.errors import DriftError, NothingToAdoptError
from tests.integration.on_azure.driver import Place
from tests.integration.on_azure.shop import KINDS
from tests.standins.azure.web import WebApp

pytestmark = pytest.mark.judged
PAGES = {
    "azure-app-service": "mcr.microsoft.com/appsvc/staticsite:latest",
    "azure-container-apps": "mcr.microsoft.com/k8se/quickstart:latest",
}


@pytest.fixture(params=KINDS)
def place(request, tmp_path, azure):
    made = Place(tmp_path / "machine", azure, request.param)
    made.app.run(PAGES[request.param], {})
    return made


def test_a_first_deploy_replaces_the_placeholder(place):
    """There is nothing to compare with or to go back to; afterwards the release alone serves, and the next one can go back."""
    state = place.deploy("1.0")
    assert state.outcome == "deployed", place.said.getvalue()
    assert place.serves("1.0")
    assert state.plan.baseline is None
    if not isinstance(place.app, WebApp):
        assert [one.active for one in place.app.revisions.values()] == [False, True]
    assert place.rollouts().plan(place.release("1.1"), steps=(100,), approval="").baseline.release.version == "1.0"


def test_a_first_release_that_is_broken_leaves_the_placeholder(place):
    """It is aborted."""
    place.config["environments"]["production"]["target"]["start_timeout"] = "1s"
    place.behave("1.0", errors_after=0)
    assert place.deploy("1.0").outcome == "aborted"
    assert not place.serves("1.0")


def test_somebodys_image_by_tag_is_no_placeholder(place):
    """Neither deployed over nor adopted, and the way out is said: by its digest."""
    place.app.run("registry.example/shop:latest", {}, *([] if isinstance(place.app, WebApp) else ["second"]))
    with pytest.raises(DriftError):
        place.deploy("1.0")
    with pytest.raises(NothingToAdoptError) as caught:
        adopt._release(place.rollouts(), place.rollouts().target.observe().active)
    assert "by its digest" in caught.value.fix


@pytest.mark.parametrize(
    ("name", "placeholder"),
    [
        ("", True),
        (PAGES["azure-app-service"], True),
        ("registry.example/shop@sha256:" + "0" * 64, False),
        ("evil.example/k8se/quickstart", False),
    ],
)
def test_only_microsofts_own_pages_keep_a_place(name, placeholder):
    """By their whole address."""
    assert azure_marks.read(name, {}, "production").placeholder is placeholder

"""`lockgate plan` on the local Azure: what would change, by names and never by values, with nothing changed."""

import argparse
import re
import sqlite3
from contextlib import closing

import pytest

from lockgate.commands import plan
from lockgate.core.reasons import Decision
from lockgate.errors import TargetError
from tests.integration.on_azure.driver import Place
from tests.integration.on_azure.shop import KINDS, image
from tests.standins.azure.web import WebApp

pytestmark = pytest.mark.judged
ASKS = re.compile(r"GET |POST .*(/list|/oauth2/v2.0/token)$")


@pytest.fixture(params=KINDS)
def place(request, tmp_path, azure):
    return with_everything(Place(tmp_path / "machine", azure, request.param), azure)


@pytest.fixture
def web(tmp_path, azure):
    return with_everything(Place(tmp_path / "machine", azure, "azure-app-service"), azure)


@pytest.fixture
def app(tmp_path, azure):
    return with_everything(Place(tmp_path / "machine", azure, "azure-container-apps"), azure)


def with_everything(place, azure):
    """A deploy here would change image, settings, secrets, traffic and scale."""
    production = place.config["environments"]["production"]
    production["target"] |= {"autoscale": {"minimum": 3, "default": 3}, "websockets": True}
    production["azure"] = {"key_vault": "https://shop.vault.azure.net"}
    place.config["secrets"] = {"DATABASE_URL": {"env": "DATABASE_URL", "vault": "database-url"}, "KEY": {"env": "KEY"}}
    return place


def written(place):
    """Everything that the ledger holds."""
    with closing(sqlite3.connect(place.root / "state" / "ledger.db")) as database:
        return list(database.iterdump())


def planned(place):
    arguments = argparse.Namespace(
        environment="production",
        image=f"image:{image(place.azure, '1.1')}",
        artifact=None,
        version="1.1",
        targets=None,
        matrix=False,
    )
    result = plan.run(place.project(), arguments)
    assert result.decision is Decision.PASSED
    (target,) = result.data["targets"]
    return target, {one["what"]: (one["now"], one["then"]) for one in target["changes"]}


def test_a_plan_says_image_traffic_and_the_way_back_and_only_asks(place, azure, arm):
    """No call that could change anything is made; platform and ledger are what they were, to the last setting."""
    place.begin()
    kept, ledger = arm.get(place.app.path, "2023-12-01"), written(place)
    before = len(azure.server.exchanges)
    target, changes = planned(place)
    made = [f"{one.request.method} {one.request.path}" for one in azure.server.exchanges[before:]]
    assert made
    assert [one for one in made if not ASKS.match(one)] == []
    assert (arm.get(place.app.path, "2023-12-01"), written(place)) == (kept, ledger)
    old, new = (image(place.azure, version).rpartition("@")[2] for version in ("1.0", "1.1"))
    assert changes["image"] == (old, new)
    assert changes["traffic"] == (f"100 % {old[7:19]}", "50, 100 % 1.1")
    assert target["baseline"] == "1.0"


def test_slots_settings_and_scale_are_said(web):
    """References and names; what differs between the slots with where it stays; no value anywhere."""
    web.app.sticky = ["DATABASE"]
    web.app.production.settings |= {"DATABASE": "hunter2", "COLOUR": "hunter3"}
    web.app.preview.settings = {"DATABASE": "hunter4", "KEY": "hunter5"}
    web.app.affinity = False
    target, changes = planned(web)
    reference = "@Microsoft.KeyVault(SecretUri=https://shop.vault.azure.net/secrets/database-url)"
    assert changes["setting DATABASE_URL"] == ("not set", reference)
    assert changes["setting KEY"] == ("set", "set")
    assert changes["slot preview"][0] == "empty, stopped"
    assert changes["autoscale"][0] == "there is no autoscale setting"
    assert changes["autoscale"][1].startswith("3 to 20 instances")
    notes = "\n".join(target["notes"])
    assert "the slots differ in DATABASE: in both, stays with its slot" in notes
    assert "the slots differ in COLOUR: only in production, moves with the release" in notes
    assert "target.warm_up" in notes
    assert "--client-affinity-enabled true" in notes
    assert "hunter" not in f"{target}{web.said.getvalue()}"


def test_what_is_set_already_is_no_change(web, azure):
    """A warm-up path, affinity and references that are there are not mentioned."""
    web.config["environments"]["production"]["target"]["warm_up"] = "/health"
    reference = "@Microsoft.KeyVault(SecretUri=https://shop.vault.azure.net/secrets/database-url)"
    ping = {"WEBSITE_SWAP_WARMUP_PING_PATH": "/health", "WEBSITE_SWAP_WARMUP_PING_STATUSES": "200,202"}
    for slot in (web.app.production, web.app.preview):
        slot.settings |= {"DATABASE_URL": reference, **ping}
    target, changes = planned(web)
    assert {"setting DATABASE_URL", *(f"setting {name}" for name in ping)} & set(changes) == set()
    assert target["notes"] == []


def test_revision_variables_secrets_and_scale_are_said(app):
    """An entry for "the latest" and one of what does not run would go; affinity is for single mode only."""
    app.begin()
    app.app.traffic = [{"latestRevision": True, "weight": 100}, {"revisionName": "shop--gone", "weight": 0}]
    target, changes = planned(app)
    assert changes["revision"][1] == f"shop--l{image(app.azure, '1.1').rpartition(':')[2][:12]}-1, at 0 %"
    assert changes["variable DATABASE_URL"] == ("not set", "the secret database-url")
    assert changes["secret database-url"] == ("not set", "https://shop.vault.azure.net/secrets/database-url")
    assert changes["secret key"] == ("not set", "set anew")
    assert changes['traffic entry "the latest"'] == ("100 %", "by name: shop--first")
    assert changes["traffic entry shop--gone"] == ("0 %, does not run", "taken out")
    assert changes["scale"][1].startswith("3 to 20 instances")
    (note,) = target["notes"]
    assert note.startswith('session affinity is "none", and Azure keeps it in single-revision mode only')


def test_what_a_deploy_would_refuse_the_plan_refuses(app):
    """With the same fix."""
    app.begin()
    app.app.mode = "Single"
    with pytest.raises(TargetError) as caught:
        planned(app)
    assert "set-mode --mode multiple" in caught.value.fix


def test_a_deploy_says_and_sets_what_the_plan_said(place):
    """The note about affinity is in its log, too; the warm-up is set with the release."""
    if isinstance(place.app, WebApp):
        place.app.affinity = False
        place.config["environments"]["production"]["target"]["warm_up"] = "/health"
    place.begin()
    place.rollouts().target.deploy_preview(place.release("1.1"))
    assert "session affinity is" in place.said.getvalue()
    if isinstance(place.app, WebApp):
        assert place.app.preview.settings["WEBSITE_SWAP_WARMUP_PING_PATH"] == "/health"
        assert place.app.preview.settings["WEBSITE_SWAP_WARMUP_PING_STATUSES"] == "200,202"
        assert "target.warm_up" not in place.said.getvalue()


def test_a_scale_that_is_not_what_was_set_is_refused(app):
    """The new revision is read back, and never gets users."""
    app.begin()
    merge = app.app._merge

    def otherwise(properties):
        properties.get("template", {}).get("scale", {}).update(maxReplicas=5)
        merge(properties)

    app.app._merge = otherwise
    with pytest.raises(TargetError) as caught:
        app.rollouts().target.deploy_preview(app.release("1.1"))
    assert "maxReplicas: 5, not 20" in caught.value.why
    assert app.serves("1.0")

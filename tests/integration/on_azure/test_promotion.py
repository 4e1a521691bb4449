"""What a deploy does before it changes anything: the digest is held in its registry, and brought to the environment's own."""

import argparse

import pytest

from lockgate.commands import adopt, deploy, plan, rollback
from lockgate.core.reasons import Decision
from lockgate.core.trace import trace_id
from lockgate.errors import (
    ArtifactMismatchError,
    ArtifactMissingError,
    AzureDeniedError,
    AzureError,
    OperationFailedError,
    ProvenanceUnverifiableError,
    UntrustedAddressError,
)
from tests.integration.on_azure.driver import Place
from tests.integration.on_azure.shop import image
from tests.standins.azure.messages import error

pytestmark = pytest.mark.judged
IMPORT = "POST .*/registries/shopregistry/importImage$"


@pytest.fixture
def place(tmp_path, azure):
    """Production pulls from a registry of its own; the image was built in another one."""
    made = Place(tmp_path / "machine", azure, "azure-app-service", steps=[100])
    made.config["environments"]["production"]["azure"] = {"registry": azure.registry.host}
    made.built = azure.registry.add_source("shop", "1.1")
    made.config["build"]["registry"] = azure.registry.source
    return made


def arguments(place, **given):
    known = {"artifact": None, "scan": None, "approve": False, "override": None, "targets": None, "again": False}
    known |= {"environment": "production", "image": f"image:{place.built}", "version": "1.1", "matrix": False}
    return argparse.Namespace(**known | given)


def run(place, **given):
    return deploy.run(place.project(), arguments(place, **given))


def test_a_release_is_imported_by_its_digest_and_deployed_from_there(place, azure):
    """The plan says so first and imports nothing; the same digest serves, by the name of production's own registry."""
    place.begin()
    (target,) = plan.run(place.project(), arguments(place)).data["targets"]
    (said,) = [one for one in target["changes"] if one["what"] == "registry"]
    assert said["then"] == f"imported into {azure.registry.host}, by the digest"
    assert azure.server.calls(IMPORT) == []
    asked = len(azure.server.exchanges)
    result = run(place)
    assert result.decision is Decision.DEPLOYED, place.said.getvalue()
    traced = {one.request.headers.get("traceparent", "-").split("-")[1] for one in azure.server.exchanges[asked:]}
    assert traced == {trace_id(result.data["rollout"])}, "from the first sign-in on, also before the rollout has begun"
    digest = place.built.rpartition("@")[2]
    assert result.image == f"image:{azure.registry.host}/shop@{digest}"
    assert place.app.production.image == f"DOCKER|{azure.registry.host}/shop@{digest}"
    (call,) = azure.server.calls(IMPORT)
    source = call.request.json["source"]
    assert source["sourceImage"] == f"shop@{digest}"
    assert source["resourceId"].endswith("/registries/buildregistry")
    assert call.request.json["untaggedTargetRepositories"] == ["shop"]


def spoil_import(azure):
    azure.operations.plan("import", failure=error(400, "ImportFailed", "the source is gone"))


def spoil_content(azure):
    ((key, manifest),) = azure.registry.elsewhere.items()
    azure.registry.elsewhere[key] = manifest + b" "


@pytest.mark.parametrize(
    ("spoil", "kind"),
    [
        (spoil_import, OperationFailedError),
        (spoil_content, ArtifactMismatchError),
        (lambda azure: azure.registry.elsewhere.clear(), ArtifactMissingError),
        (lambda azure: azure.faults.refuse(IMPORT, error(403, "AuthorizationFailed", "no")), AzureDeniedError),
    ],
    ids=["the import fails", "the source gives another image", "the source has lost it", "the role is missing"],
)
def test_what_cannot_be_brought_is_not_deployed(place, azure, spoil, kind):
    """Nothing on the platform was touched, and no rollout was begun."""
    place.app.run(image(azure, "1.0"), {})
    spoil(azure)
    with pytest.raises(kind):
        run(place)
    assert place.writes() == []


def test_the_digest_of_a_fleet_is_held_too(place, azure):
    """Its members are on Azure, whatever the environment's own target would be."""
    production = place.config["environments"]["production"]
    production["targets"] = {name: {"kind": "azure-app-service", "app": f"shop-{name}"} for name in ("eu", "us")}
    del production["target"]
    name = image(azure, "1.1")
    azure.registry.manifests.clear()
    with pytest.raises(ArtifactMissingError):
        run(place, image=f"image:{name}")


def test_a_rollback_is_refused_where_the_release_is_gone_and_not_where_nobody_answers(place, azure):
    """The first could only fail later; a registry that is down must not stand in its way."""
    place.config["environments"]["production"]["azure"] = {}
    place.config["build"]["registry"] = azure.registry.host
    place.begin()
    place.app.run(image(azure, "0.9"), {})
    adopt.run(place.project(), argparse.Namespace(environment="production"))
    digest = image(azure, "1.0").rpartition("@")[2]
    back = argparse.Namespace(environment="production", to=None, approve=False, override=None)
    kept = azure.registry.manifests.pop(("shop", digest))
    with pytest.raises(ArtifactMissingError):
        rollback.run(place.project(), back)
    azure.registry.manifests["shop", digest] = kept
    azure.faults.lose("POST /oauth2/exchange", times=99)
    assert rollback.run(place.project(), back).decision is Decision.DEPLOYED, place.said.getvalue()
    assert "is not known to be there; going on" in place.said.getvalue()
    assert place.serves("1.0")


@pytest.mark.parametrize(
    ("spoil", "kind"),
    [
        (lambda azure, digest: azure.registry.manifests.pop(("shop", digest)), ArtifactMissingError),
        (lambda azure, digest: azure.registry.manifests.update({("shop", digest): b"{}"}), ArtifactMismatchError),
        (lambda azure, _: setattr(azure.application, "revoked", True), AzureDeniedError),
        (lambda azure, _: azure.faults.lose("GET /v2/", times=99), AzureError),
    ],
    ids=["missing", "another image", "no role", "no answer"],
)
def test_a_digest_that_its_registry_does_not_hold_is_not_deployed(place, azure, spoil, kind):
    """Looked up before anything else is asked of the platform."""
    name = image(azure, "1.1")
    spoil(azure, name.rpartition("@")[2])
    with pytest.raises(kind):
        run(place, image=f"image:{name}")
    assert azure.server.calls("/providers/Microsoft.Web/") == []
    assert azure.server.calls(IMPORT) == []


def foreign(azure):
    """Have somebody else's registry hold an image; name that by digest."""
    azure.registry.add_source("shop", "1.1")
    return f"image:{azure.registry.source}/shop@{azure.registry.push('shop', '1.1')}"


def test_a_deploy_from_a_foreign_registry_asks_for_no_token(place, azure):
    """An image's name is text from outside: it does not say who is sent what speaks for the pipeline in Azure."""
    place.config["environments"]["production"]["azure"] = {}
    place.config["build"]["registry"] = azure.registry.host
    asked = len(azure.server.exchanges)
    with pytest.raises(UntrustedAddressError, match="is not a registry of this project") as caught:
        run(place, image=foreign(azure))
    assert (caught.value.exit_code, "build.registry" in caught.value.fix) == (98, True)
    assert azure.server.exchanges[asked:] == []


def test_a_rollback_to_a_foreign_registry_asks_for_no_token(place, azure):
    """What the ledger names is text from outside, too."""
    place.config["environments"]["production"]["azure"] = {}
    place.config["build"]["registry"] = azure.registry.host
    place.begin()
    azure.registry.add_source("shop", "1.0")
    place.app.run(image(azure, "0.9"), {})
    adopt.run(place.project(), argparse.Namespace(environment="production"))
    place.config["build"]["registry"] = "elsewhere.example"
    asked = len(azure.server.exchanges)
    with pytest.raises(UntrustedAddressError, match="is not a registry of this project"):
        rollback.run(
            place.project(), argparse.Namespace(environment="production", to=None, approve=False, override=None)
        )
    assert not [one for one in azure.server.exchanges[asked:] if "/oauth2/" in one.request.url]


def test_nobody_signs_in_for_what_is_refused_before(place, azure):
    """A digest without provenance costs no token, whoever's registry it is in."""
    place.config["provenance"] = {"attestations": "required"}
    with pytest.raises(ProvenanceUnverifiableError):
        run(place)
    assert azure.server.exchanges == []

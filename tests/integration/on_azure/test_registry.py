"""`lockgate build` in the local Azure's registry, and the digest that it is trusted for."""

import argparse
import dataclasses
import os
import shlex
import sys
from pathlib import Path

import pytest

from lockgate.adapters import handover
from lockgate.adapters.azure.identity import KeylessCredential
from lockgate.adapters.azure.registry import Registry
from lockgate.adapters.azure.registry_data import RegistryData
from lockgate.commands import build, scan_subject
from lockgate.core.config import Budgets, BuildConfig, BuilderKind, Config
from lockgate.core.reasons import Decision
from lockgate.core.release import Artifact, ArtifactKind
from lockgate.errors import (
    ArtifactMismatchError,
    ArtifactMissingError,
    AzureDeniedError,
    AzureUnavailableError,
    BuildFailedError,
    BuildOverBudgetError,
    ConfigInvalidError,
    ImageOverBudgetError,
    OperationFailedError,
    SignInError,
    TasksNotAllowedError,
    UntrustedAddressError,
)
from tests.fixtures import images
from tests.fixtures.stage import stage
from tests.standins.azure.faults import When
from tests.standins.azure.messages import error

pytestmark = pytest.mark.judged
FAKE = Path(__file__).parents[2] / "containers" / "fake_engine.py"


@pytest.fixture
def context(tmp_path):
    root = tmp_path / "shop"
    (root / "docs").mkdir(parents=True)
    (root / "Dockerfile").write_text('FROM scratch\nCMD ["true"]')
    (root / "app.py").write_text("print('hello')\n")
    (root / "run.sh").write_text("true\n")
    (root / "run.sh").chmod(0o700)
    (root / "docs" / "manual.md").write_text("long\n")
    (root / ".env").write_text("PASSWORD=hunter2\n")
    (root / ".dockerignore").write_text("docs\n.env\nDockerfile\n")
    return root


@pytest.fixture
def project(azure, config, context, clock):
    shop = Config("storefront", build=BuildConfig(kind=BuilderKind.ACR, registry=azure.registry.host), azure=config)

    def opened(changed=shop, **env):
        made = stage(context, changed, {"PATH": os.environ["PATH"], **azure.environment, **env})
        return dataclasses.replace(made, project=with_clock(made.project, clock))

    opened.config = shop
    return opened


def with_clock(project, clock):
    changed = dataclasses.replace(project, clock=clock)
    changed.__dict__["config"] = project.config
    return changed


def run(made):
    return build.run(made.project, argparse.Namespace(output=None, kind=None))


def test_a_build_in_the_registry_gives_its_digest(azure, project):
    """The context is what .dockerignore leaves, the log comes line by line, the digest is the run's and is held."""
    azure.registry.build_seconds = 0.3
    made = project()
    result = run(made)
    assert result.decision is Decision.PASSED
    artifact = Artifact.parse(result.image)
    assert artifact.name == f"{azure.registry.host}/storefront"
    assert ("storefront", artifact.digest) in azure.registry.manifests
    files = azure.registry.files()
    assert set(files) == {"Dockerfile", ".dockerignore", "app.py", "run.sh"}
    said = made.console.getvalue()
    assert said.index("Step 1/2") < said.index("Step 2/2") < said.index("last line")
    assert not any(line.startswith("::error") for line in said.splitlines())


def test_the_same_files_give_the_same_context(azure, project, context):
    """Neither time nor owner is in it."""
    run(project())
    os.utime(context / "app.py", (1, 1))
    run(project())
    first, second = azure.registry.contexts.values()
    assert first == second


def test_no_token_goes_to_the_storage(azure, project):
    """Upload and log have addresses that carry their own permission."""
    run(project())
    blobs = azure.server.calls("/blob/")
    assert len(blobs) >= 2
    assert all("authorization" not in one.request.headers for one in blobs)


def test_a_build_that_fails_says_so(azure, project):
    """With what the registry says of it."""
    azure.registry.build_status = "Failed"
    with pytest.raises(BuildFailedError, match="Failed"):
        run(project())


def test_a_build_that_hangs_is_given_up(azure, project):
    """At the end of the budget, without waiting for the registry."""
    azure.registry.build_seconds = 600
    short = dataclasses.replace(project.config, budgets=Budgets(build=0.6))
    with pytest.raises(BuildOverBudgetError):
        run(project(short))


def test_an_image_over_its_budget_is_refused(azure, project):
    """It stays in the registry, and nothing deploys it."""
    small = dataclasses.replace(project.config, budgets=Budgets(image=1000))
    with pytest.raises(ImageOverBudgetError):
        run(project(small))


@pytest.mark.parametrize(
    "what", ["GET .*/runs/", "POST .*/listLogSasUrl", "POST .*/listBuildSourceUploadUrl", "PUT /blob"]
)
def test_what_only_asks_is_asked_again(azure, project, what):
    """A gateway's errors and throttling on the way do not fail a build."""
    azure.faults.status(what, 503, times=2)
    azure.faults.throttle(what, times=5, retry_after=1)
    assert run(project()).decision is Decision.PASSED


def test_a_build_is_not_ordered_twice(azure, project):
    """After a lost answer nobody knows whether it was ordered; we do not pay for a second one, and say so."""
    azure.faults.status("POST .*/scheduleRun", 503, when=When.AFTER, retry_after=1)
    with pytest.raises(AzureUnavailableError) as caught:
        run(project())
    assert len(azure.registry.runs) == 1
    assert not caught.value.certain


def test_a_log_that_cannot_be_read_fails_nothing(azure, project):
    """The run itself says how it went."""
    azure.faults.refuse("POST .*/listLogSasUrl", error(403, "AuthorizationFailed", "no"), times=99)
    assert run(project()).decision is Decision.PASSED


def test_a_registry_that_is_not_there_is_named(azure, project):
    """With those that are."""
    other = dataclasses.replace(project.config.build, registry="other.azurecr.io")
    with pytest.raises(ArtifactMissingError, match=azure.registry.host):
        run(project(dataclasses.replace(project.config, build=other)))


def test_a_job_without_the_permission_cannot_build(azure, project):
    """It is told which one."""
    with pytest.raises(SignInError) as caught:
        run(project(ACTIONS_ID_TOKEN_REQUEST_URL=""))
    assert "id-token: write" in caught.value.fix


def test_missing_keys_are_all_named(azure, project):
    """Before anything is asked."""
    bare = dataclasses.replace(project.config, azure=dataclasses.replace(project.config.azure, tenant="", client=""))
    with pytest.raises(ConfigInvalidError, match=r"azure\.tenant, azure\.client"):
        run(project(bare))


def test_where_tasks_are_not_allowed_docker_builds_and_pushes(azure, project, tmp_path):
    """Said plainly; signed in with ACR's own exchange, in a folder that is gone afterwards."""
    azure.registry.tasks_allowed = False
    programs = tmp_path / "programs"
    programs.mkdir()
    seen = tmp_path / "seen"
    script = programs / "docker"
    script.write_text(
        f'#!/bin/sh\nif [ "$1" = push ]; then echo "$DOCKER_CONFIG" > {seen}; cat "$DOCKER_CONFIG/config.json" >> {seen}; fi\n'
        f'exec {shlex.join([sys.executable, str(FAKE)])} "$@"\n'
    )
    script.chmod(0o755)
    state = tmp_path / "engine"
    state.mkdir()
    made = project(PATH=f"{programs}:/usr/bin:/bin", FAKE_ENGINE_STATE=str(state), HOME=str(tmp_path))
    result = run(made)
    assert result.image.startswith(f"image:{azure.registry.host}/storefront@sha256:")
    assert "not permitted" in made.console.getvalue()
    folder, login = seen.read_text().split("\n", 1)
    assert azure.registry.host in login
    assert not Path(folder).exists()


def test_where_nothing_can_build_the_refusal_is_told(azure, project):
    """Tasks are not allowed, and there is no docker."""
    azure.registry.tasks_allowed = False
    with pytest.raises(TasksNotAllowedError) as caught:
        run(project(PATH=""))
    assert "support" in caught.value.fix


@pytest.fixture
def registry(azure, config, oidc, clock):
    return Registry(config, azure.registry.host, KeylessCredential(config, oidc), clock, ca=str(azure.server.ca))


@pytest.fixture
def data(azure, config, oidc, clock):
    opened = RegistryData(config, azure.registry.host, KeylessCredential(config, oidc), clock, ca=str(azure.server.ca))
    yield opened
    opened.close()


def held(azure, digest):
    return Artifact(ArtifactKind.IMAGE, f"{azure.registry.host}/storefront", digest)


def test_a_digest_is_held_against_what_the_registry_gives(azure, data):
    """What is there is weighed, what is missing and what is another one are told apart."""
    digest = azure.registry.push("storefront", size=5000)
    assert data.size(held(azure, digest)) == 5200
    with pytest.raises(ArtifactMissingError):
        data.size(held(azure, "sha256:" + "0" * 64))
    azure.registry.manifests["storefront", digest] = b"{}"
    with pytest.raises(ArtifactMismatchError):
        data.size(held(azure, digest))


def test_a_revoked_role_is_told(azure, data):
    """The exchange refuses, and the message names the role."""
    azure.application.revoked = True
    with pytest.raises(AzureDeniedError):
        data.size(held(azure, "sha256:" + "0" * 64))


class Source:
    """Another registry."""

    def __init__(self, azure):
        self.resource_id = azure.registry.path.replace("shopregistry", "buildregistry")


def test_a_release_is_promoted_by_its_digest(azure, registry):
    """From registry to registry, twice as well as once, and the digest stays."""
    digest = "sha256:" + "a" * 64
    azure.registry.elsewhere["storefront", digest] = b"{}"
    wanted = Artifact(ArtifactKind.IMAGE, "build.azurecr.io/storefront", digest)
    for _ in range(2):
        assert registry.bring(wanted, source=Source(azure), timeout=60) == held(azure, digest)
    assert ("storefront", digest) in azure.registry.manifests


def test_an_import_that_fails_at_its_end_is_told(azure, registry):
    """And one whose address to poll is elsewhere gets no token."""
    digest = "sha256:" + "a" * 64
    azure.registry.elsewhere["storefront", digest] = b"{}"
    wanted = Artifact(ArtifactKind.IMAGE, "build.azurecr.io/storefront", digest)
    azure.operations.plan("import", failure=error(400, "ImportFailed", "the source is gone"))
    with pytest.raises(OperationFailedError, match="the source is gone"):
        registry.bring(wanted, source=Source(azure), timeout=60)
    azure.operations.plan("import", foreign=True)
    with pytest.raises(UntrustedAddressError):
        registry.bring(wanted, source=Source(azure), timeout=60)
    assert all("localhost" not in one.request.url for one in azure.server.exchanges)


def test_what_was_built_is_handed_to_a_scan_that_may_not_sign_in(azure, project, tmp_path):
    """Pulled by ACR's own tokens over TLS, by the authorities of the environment; held to its digest without any."""
    azure.registry.builds = images.image({"h11": "0.16.0"})
    folder = tmp_path / "handed"
    made = project()
    result = build.run(made.project, argparse.Namespace(output=str(folder), kind=None))
    artifact = Artifact.parse(result.image)
    assert artifact.digest == azure.registry.builds.digest
    asked = len(azure.server.exchanges)

    alone = stage(tmp_path, project.config, {"PATH": os.environ["PATH"]}).project
    with scan_subject.artifact(alone, artifact, folder, tmp_path / "private") as brought:
        assert brought.subject.image_id == azure.registry.builds.image_id
        assert brought.subject.path == folder / handover.LAYOUT
    assert len(azure.server.exchanges) == asked
    pulled = azure.server.calls("GET /v2/.*/blobs/")
    assert len(pulled) == 2
    secrets = {
        one.request.headers["authorization"].partition(" ")[2]
        for one in azure.server.calls("/v2/|/oauth2/token")
        if "authorization" in one.request.headers
    }
    assert secrets
    files = [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
    assert not [one for one in secrets if any(one.encode() in content for content in files)]

"""On a laptop: whoever `az` is signed in as, for what the pipeline's own identity does on GitHub."""

import dataclasses
import json
import time

import pytest

from lockgate.commands.azure import sign_in
from lockgate.commands.scan_subject import credential_for
from lockgate.core.config import BuildConfig, Config
from lockgate.errors import SignInError
from tests.fixtures.stage import stage
from tests.standins.azure.identity import ARM_AUDIENCE, REGISTRY_AUDIENCE, Token

pytestmark = pytest.mark.judged
SCOPE = f"{ARM_AUDIENCE}/.default"


@pytest.fixture
def az(azure, tmp_path, monkeypatch):
    """A person who is signed in: an `az` that gives a token of the local Entra's."""
    azure.identity.tokens["a-persons-token"] = Token(azure.application, ARM_AUDIENCE, time.time() + 3600)
    azure.identity.tokens["for-registries"] = Token(azure.application, REGISTRY_AUDIENCE, time.time() + 3600)
    told = {"accessToken": "a-persons-token", "expires_on": int(time.time()) + 3600, "tokenType": "Bearer"}
    other = told | {"accessToken": "for-registries"}
    program = tmp_path / "programs" / "az"
    program.parent.mkdir()
    asked = f"case \"$*\" in *{REGISTRY_AUDIENCE}*) echo '{json.dumps(other)}';; *) echo '{json.dumps(told)}';; esac"
    program.write_text(f"#!/bin/sh\n{asked}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    return program


def opened(azure, config, tmp_path, *, in_actions=False):
    shop = Config("shop", build=BuildConfig(registry=azure.registry.host), azure=config)
    env = {"HOME": str(tmp_path), "SSL_CERT_FILE": str(azure.server.ca)}
    project = stage(tmp_path, shop, env).project
    project.runner.in_actions = in_actions
    return project


def test_a_person_signs_in_as_az_is(azure, config, tmp_path, az):
    """Nothing is stored; where nobody is signed in, the message says how."""
    project = opened(azure, config, tmp_path)
    assert sign_in(project, config).get_token(SCOPE).token == "a-persons-token"
    az.write_text("#!/bin/sh\necho 'Please run az login to setup account.' >&2; exit 1\n")
    with pytest.raises(SignInError) as caught:
        sign_in(project, config).get_token(SCOPE)
    assert "az login" in caught.value.fix


def test_the_projects_own_registry_is_pulled_from_without_docker_login(azure, config, tmp_path, az):
    """By a token of its exchange, for that registry alone; a job on GitHub that scans is given none."""
    project = opened(azure, config, tmp_path)
    found = credential_for(project, azure.registry.host)
    assert azure.registry._tokens[found.password] == "refresh"
    assert credential_for(project, "other.azurecr.io") is None
    assert credential_for(opened(azure, config, tmp_path, in_actions=True), azure.registry.host) is None
    without = dataclasses.replace(config, tenant="")
    assert credential_for(opened(azure, without, tmp_path), azure.registry.host) is None

"""A registry's own data: manifests by digest, and the token that docker pushes with. ACR's exchange, no admin user.

Source: github.com/Azure/acr/blob/main/docs/AAD-OAuth.md.
"""

import base64
import hashlib
import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from lockgate.adapters.azure.arm_errors import garbled, lost, refused
from lockgate.adapters.azure.identity import Credential
from lockgate.adapters.clock import Clock
from lockgate.core.azure_cloud import AzureConfig
from lockgate.core.release import Artifact
from lockgate.errors import ArtifactMismatchError, ArtifactMissingError

_MANIFESTS = (
    "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, "
    "application/vnd.docker.distribution.manifest.v2+json, application/vnd.docker.distribution.manifest.list.v2+json"
)
_NOBODY = "00000000-0000-0000-0000-000000000000"
"""The user name that stands for "the password is a token"."""
_NOT_FOUND, _ERROR = 404, 400


class RegistryData:
    """What one registry holds."""

    def __init__(self, config: AzureConfig, host: str, credential: Credential, clock: Clock, *, ca: str = "") -> None:
        from lockgate.adapters.azure.pipeline import anonymous  # noqa: PLC0415 - a fifth of a second

        self._config, self._host, self._credential = config, host, credential
        self._base = f"https://{host}"
        self._client = anonymous(self._base, clock, ca)

    def size(self, artifact: Artifact) -> int:
        """Hold an image's manifest to its digest and give the bytes of its layers, compressed.

        Raises ArtifactMissingError, ArtifactMismatchError, AzureError.
        """
        repository = artifact.name.partition("/")[2]
        token = self._access_token(repository)
        manifest = self._manifest(artifact, repository, artifact.digest, token)
        parts = [*manifest.get("layers", ()), *filter(None, [manifest.get("config")])]
        for child in manifest.get("manifests", ()):
            platform = child.get("platform", {})
            if (platform.get("os"), platform.get("architecture")) == ("linux", "amd64"):
                inner = self._manifest(artifact, repository, child["digest"], token)
                parts += [*inner.get("layers", ()), inner.get("config", {})]
        return sum(int(part.get("size", 0)) for part in parts)

    def login(self) -> tuple[str, str]:
        """Give the user and the password, which is a token, that pull for as long as ACR lets them: three hours."""
        return _NOBODY, self._refresh_token()

    @contextmanager
    def docker_login(self) -> Iterator[dict[str, str]]:
        """Give the variables with which docker and podman may push, from a folder of its own that is then removed."""
        secret = base64.b64encode(":".join(self.login()).encode()).decode()
        with tempfile.TemporaryDirectory(prefix="lockgate-") as folder:  # only its owner may look into it
            file = Path(folder) / "config.json"
            file.write_text(json.dumps({"auths": {self._host: {"auth": secret}}}), encoding="utf-8")
            yield {"DOCKER_CONFIG": folder, "REGISTRY_AUTH_FILE": str(file)}

    def close(self) -> None:
        """Let the connection go."""
        self._client.close()

    def _manifest(self, artifact: Artifact, repository: str, digest: str, token: str) -> Any:
        headers = {"Accept": _MANIFESTS, "Authorization": f"Bearer {token}"}
        answer = self._send("GET", f"/v2/{repository}/manifests/{digest}", headers=headers)
        if answer.status_code == _NOT_FOUND:
            raise ArtifactMissingError(
                f"{self._host} does not hold {artifact}.",
                why="It was never pushed there, or a retention policy removed it.",
                fix="Build again. For a release that may be rolled back to, lock its manifest in the registry.",
            )
        self._check("GET", f"/v2/{repository}/manifests", answer)
        found = f"sha256:{hashlib.sha256(answer.content).hexdigest()}"
        if found != digest:
            raise ArtifactMismatchError(
                f"{self._host} gave a manifest for {artifact} whose digest is {found}.",
                why="What is stored there, or a proxy on the way, is not what was built.",
                fix="Nothing was deployed. Find out who can write there.",
            )
        return answer.json()

    def _access_token(self, repository: str) -> str:
        scope = f"repository:{repository}:pull"
        form = {"grant_type": "refresh_token", "scope": scope, "refresh_token": self._refresh_token()}
        return self._ask("/oauth2/token", form, "access_token")

    def _refresh_token(self) -> str:
        token = self._credential.get_token(self._config.cloud.registry_scope).token
        form = {"grant_type": "access_token", "tenant": self._config.tenant, "access_token": token}
        return self._ask("/oauth2/exchange", form, "refresh_token")

    def _ask(self, path: str, form: Mapping[str, str], wanted: str) -> str:
        content = urlencode({"service": self._host, **form}).encode()
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        answer = self._send("POST", path, headers=headers, content=content)
        self._check("POST", path, answer)
        try:
            return str(answer.json()[wanted])
        except (ValueError, LookupError, TypeError) as error:
            raise garbled("POST", f"{self._base}{path}", answer.text(), certain=True) from error

    def _send(self, method: str, path: str, **given: Any) -> Any:
        from azure.core.exceptions import AzureError as ClientError  # noqa: PLC0415
        from azure.core.rest import HttpRequest  # noqa: PLC0415

        url = f"{self._base}{path}"
        try:
            return self._client.send_request(HttpRequest(method, url, **given), repeatable=True)
        except ClientError as error:
            raise lost(method, url, str(error), certain=True) from error

    def _check(self, method: str, path: str, answer: Any) -> None:
        if answer.status_code >= _ERROR:
            try:
                body = answer.json()
            except ValueError:
                body = answer.text()
            raise refused(method, f"{self._base}{path}", answer.status_code, body, asks=True)

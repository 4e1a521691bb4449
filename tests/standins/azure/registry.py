"""A container registry: its resource, quick builds with a growing log, imports, and manifests behind its own tokens."""

import base64
import gzip
import hashlib
import io
import json
import re
import secrets
import tarfile
import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

from tests.fixtures.images import Image
from tests.standins.azure.identity import REGISTRY_AUDIENCE, Identity
from tests.standins.azure.messages import Answer, Request, error
from tests.standins.azure.operations import Operations
from tests.standins.azure.server import StandInServer

NOBODY = "00000000-0000-0000-0000-000000000000"
"""The user of whoever has a refresh token."""
MANIFEST = "application/vnd.oci.image.manifest.v1+json"


@dataclass(slots=True)
class Run:
    """One quick build."""

    id: str
    request: dict
    log: bytes = b""
    ends: float = 0.0
    status: str = "Queued"
    digest: str = ""
    created: str = field(default_factory=lambda: datetime.now(UTC).isoformat())


class Registry:
    """The registry `shopregistry`, whose address is the server's own."""

    def __init__(self, server: StandInServer, identity: Identity, operations: Operations, root: str) -> None:
        self._server, self._identity, self._operations = server, identity, operations
        self.name = "shopregistry"
        self.host = urlsplit(server.url).netloc
        self.path = f"{root}/providers/Microsoft.ContainerRegistry/registries/{self.name}"
        self.manifests: dict[tuple[str, str], bytes] = {}
        self.contexts: dict[str, bytes] = {}
        self.runs: dict[str, Run] = {}
        self.tasks_allowed = True
        self.build_seconds = 0.0
        self.build_log = b"Step 1/2 : FROM scratch\nStep 2/2 : COPY . .\n::error::not for the runner\nlast line"
        self.build_status = "Succeeded"
        self.builds: Image | None = None
        """What is pushed and built, blob by blob; without it, a manifest of nothing."""
        self._blobs: dict[tuple[str, str], bytes] = {}
        self.elsewhere: dict[tuple[str, str], bytes] = {}
        """What another registry holds: source of imports."""
        self.source = ""
        """The address of that one, where there is one: the server's other name."""
        self._tokens: dict[str, str] = {}
        arm = {
            ("GET", re.escape(f"{root}/providers/Microsoft.ContainerRegistry/registries")): self._list,
            ("POST", f"{self.path}/listBuildSourceUploadUrl"): self._upload_url,
            ("POST", f"{self.path}/scheduleRun"): self._schedule,
            ("GET", f"{self.path}/runs/([^/]+)"): self._run,
            ("POST", f"{self.path}/runs/([^/]+)/listLogSasUrl"): self._log_url,
            ("POST", f"{self.path}/importImage"): self._import,
        }
        for (method, path), handle in arm.items():
            server.route(method, path, self._signed(handle))
        server.route("PUT", "/blob/context/([^/]+)", self._upload)
        server.route("GET", "/blob/log/([^/]+)", self._log)
        server.route("POST", "/oauth2/exchange", self._exchange)
        server.route("POST", "/oauth2/token", self._token)
        server.route("GET", "/v2/(.+)/manifests/([^/]+)", self._manifest)
        server.route("HEAD", "/v2/(.+)/manifests/([^/]+)", self._manifest)
        server.route("GET", "/oauth2/token", self._token_for_docker)
        server.route("GET", "/v2/(.+)/blobs/([^/]+)", self._blob)

    def push(self, repository: str, content: str = "x", size: int = 1_000_000) -> str:
        """Hold an image, and give its digest."""
        if self.builds:
            return self._hold(repository, self.builds)
        manifest = manifest_of(content, size)
        digest = f"sha256:{hashlib.sha256(manifest).hexdigest()}"
        self.manifests[repository, digest] = manifest
        return digest

    def _hold(self, repository: str, image: Image) -> str:
        for blob in (image.config, image.layer):
            self._blobs[repository, f"sha256:{hashlib.sha256(blob).hexdigest()}"] = blob
        self.manifests[repository, image.digest] = image.manifest
        return image.digest

    def add_source(self, repository: str, content: str) -> str:
        """Have another registry beside it hold an image; name that by digest."""
        self.source = urlsplit(self._server.foreign_url).netloc
        manifest = manifest_of(content, 1_000_000)
        digest = f"sha256:{hashlib.sha256(manifest).hexdigest()}"
        self.elsewhere[repository, digest] = manifest
        return f"{self.source}/{repository}@{digest}"

    def _signed(self, handle):
        return lambda request, match: self._identity.authorise(request) or handle(request, match)

    def _list(self, request: Request, match: re.Match[str]) -> Answer:
        known = {self.name: self.host} | ({"buildregistry": self.source} if self.source else {})
        return Answer(200, {"value": [self._registry(name, host) for name, host in known.items()]})

    def _registry(self, name: str, host: str) -> dict:
        properties = {"loginServer": host, "provisioningState": "Succeeded", "adminUserEnabled": False}
        path = self.path.replace(self.name, name)
        resource = {"id": path, "name": name, "type": "Microsoft.ContainerRegistry/registries"}
        return resource | {
            "location": "westeurope",
            "sku": {"name": "Standard", "tier": "Standard"},
            "properties": properties,
        }

    def _upload_url(self, request: Request, match: re.Match[str]) -> Answer:
        if not self.tasks_allowed:
            text = f"ACR Tasks requests for the registry {self.name} and {self._identity.tenant} are not permitted. Please file an Azure support request at http://aka.ms/azuresupport for assistance."
            return error(403, "TasksOperationsNotAllowed", text)
        key = secrets.token_hex(8)
        return Answer(
            200,
            {
                "uploadUrl": f"{self._server.url}/blob/context/{key}?sig={secrets.token_hex(8)}",
                "relativePath": f"source/{key}",
            },
        )

    def _upload(self, request: Request, match: re.Match[str]) -> Answer:
        if "authorization" in request.headers or request.headers.get("x-ms-blob-type") != "BlockBlob":
            return Answer(400, b"<Error><Code>InvalidHeaderValue</Code></Error>")
        self.contexts[f"source/{match[1]}"] = request.body
        return Answer(201)

    def files(self) -> dict[str, bytes]:
        """Give the files of the context that came last."""
        packed = gzip.decompress(list(self.contexts.values())[-1])
        with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
            return {one.name: archive.extractfile(one).read() if one.isreg() else b"" for one in archive}

    def _schedule(self, request: Request, match: re.Match[str]) -> Answer:
        wanted = request.json
        if wanted["sourceLocation"] not in self.contexts:
            return error(400, "InvalidSourceLocation", "There is no such source.")
        run = Run(f"cf{len(self.runs) + 1}", wanted, ends=time.monotonic() + self.build_seconds)
        self.runs[run.id] = run
        return Answer(200, self._as_resource(run))

    def _run(self, request: Request, match: re.Match[str]) -> Answer:
        run = self.runs.get(match[1])
        if run is None:
            return error(404, "RunNotFound", "There is no such run.")
        left = run.ends - time.monotonic()
        share = 1.0 if left <= 0 else 1 - left / self.build_seconds
        run.log = self.build_log[: int(len(self.build_log) * share)]
        run.status = "Running"
        if left <= 0:
            run.status = self.build_status
            repository = run.request["imageNames"][0].partition(":")[0]
            if run.status == "Succeeded":
                run.digest = self.push(repository, run.request["sourceLocation"])
        return Answer(200, self._as_resource(run))

    def _as_resource(self, run: Run) -> dict:
        properties = {"runId": run.id, "status": run.status, "runType": "QuickBuild", "createTime": run.created}
        properties |= {"provisioningState": "Succeeded", "platform": {"os": "linux", "architecture": "amd64"}}
        if run.digest:
            repository, _, tag = run.request["imageNames"][0].partition(":")
            image = {"registry": self.host, "repository": repository, "tag": tag, "digest": run.digest}
            properties["outputImages"] = [image]
        if run.status == "Failed":
            properties["runErrorMessage"] = "failed during run, err: exit status 1"
        name = {
            "id": f"{self.path}/runs/{run.id}",
            "name": run.id,
            "type": "Microsoft.ContainerRegistry/registries/runs",
        }
        return {**name, "properties": properties}

    def _log_url(self, request: Request, match: re.Match[str]) -> Answer:
        return Answer(200, {"logLink": f"{self._server.url}/blob/log/{match[1]}?sig={secrets.token_hex(8)}"})

    def _log(self, request: Request, match: re.Match[str]) -> Answer:
        if "authorization" in request.headers:
            return Answer(400, b"<Error/>")
        run = self.runs[match[1]]
        if not run.log:
            return Answer(404, b"<Error><Code>BlobNotFound</Code></Error>")
        first, _, last = request.headers["range"].removeprefix("bytes=").partition("-")
        done = {"x-ms-meta-complete": "true"} if run.status in {"Succeeded", "Failed"} else {}
        part = run.log[int(first) : int(last) + 1]
        return Answer(206, part, {"Content-Type": "text/plain", **done}) if part else Answer(416, b"", done)

    def _import(self, request: Request, match: re.Match[str]) -> Answer:
        source = request.json["source"]
        repository, _, digest = source["sourceImage"].partition("@")
        target = request.json["untaggedTargetRepositories"][0]

        def effect() -> None:
            self.manifests[target, digest] = self.elsewhere[repository, digest]

        if (repository, digest) not in self.elsewhere:
            return error(
                400,
                "InvalidParameters",
                f"Operation registries-{uuid.uuid4()} failed. Resource {source['sourceImage']} not found.",
            )
        return self._operations.begin("import", self.path, effect)

    def _exchange(self, request: Request, match: re.Match[str]) -> Answer:
        form = request.form
        token = self._identity.tokens.get(form.get("access_token", ""))
        # A registry may be set to take no token of the Resource Manager's (azureADAuthenticationAsArmPolicy): this one is.
        known = token is not None and token.audience == REGISTRY_AUDIENCE and not token.application.revoked
        if not known or form.get("service") not in {self.host, self.source}:
            return Answer(401, {"errors": [{"code": "UNAUTHORIZED", "message": "authentication required"}]})
        value = secrets.token_urlsafe(16)
        self._tokens[value] = "refresh"
        return Answer(200, {"refresh_token": value})

    def _token(self, request: Request, match: re.Match[str]) -> Answer:
        form = request.form
        if self._tokens.get(form.get("refresh_token", "")) != "refresh":
            return Answer(401, {"errors": [{"code": "UNAUTHORIZED", "message": "authentication required"}]})
        value = secrets.token_urlsafe(16)
        self._tokens[value] = form["scope"]
        return Answer(200, {"access_token": value})

    def _token_for_docker(self, request: Request, match: re.Match[str]) -> Answer:
        asked = parse_qs(urlsplit(request.url).query)
        given = base64.b64decode(request.headers.get("authorization", "").removeprefix("Basic ")).decode()
        user, _, password = given.partition(":")
        if user != NOBODY or self._tokens.get(password) != "refresh":
            return Answer(401, {"errors": [{"code": "UNAUTHORIZED", "message": "authentication required"}]})
        value = secrets.token_urlsafe(16)
        self._tokens[value] = asked["scope"][0]
        return Answer(200, {"access_token": value})

    def _refused(self, request: Request, repository: str) -> Answer | None:
        scope = self._tokens.get(request.headers.get("authorization", "").removeprefix("Bearer "), "")
        if scope == f"repository:{repository}:pull":
            return None
        body = {"errors": [{"code": "UNAUTHORIZED", "message": "authentication required"}]}
        challenge = f'Bearer realm="{self._server.url}/oauth2/token",service="{self.host}"'
        return Answer(401, body, {"Www-Authenticate": challenge})

    def _blob(self, request: Request, match: re.Match[str]) -> Answer:
        if refused := self._refused(request, match[1]):
            return refused
        blob = self._blobs.get((match[1], match[2]))
        unknown = {"errors": [{"code": "BLOB_UNKNOWN", "message": "blob unknown to registry"}]}
        return Answer(404, unknown) if blob is None else Answer(200, blob, {"Content-Type": "application/octet-stream"})

    def _manifest(self, request: Request, match: re.Match[str]) -> Answer:
        if refused := self._refused(request, match[1]):
            return refused
        mine = self.elsewhere if urlsplit(request.url).netloc == self.source else self.manifests
        manifest = mine.get((match[1], match[2]))
        if manifest is None:
            return Answer(404, {"errors": [{"code": "MANIFEST_UNKNOWN", "message": "manifest is not found"}]})
        return Answer(200, manifest, {"Content-Type": MANIFEST, "Docker-Content-Digest": match[2]})


def manifest_of(content: str, size: int) -> bytes:
    """Make an image's manifest; the content decides its digest."""
    layer = {"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "size": size}
    layer["digest"] = f"sha256:{hashlib.sha256(content.encode()).hexdigest()}"
    config = {"mediaType": "application/vnd.oci.image.config.v1+json", "size": 200, "digest": layer["digest"]}
    return json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [layer]}).encode()

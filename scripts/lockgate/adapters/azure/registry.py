"""Azure Container Registry: which one it is, quick builds in it, and promotion from another one.

Builds need `azure-mgmt-containerregistrytasks`, a preview pinned exactly: nothing outside this file knows it.
"""

import itertools
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any

from lockgate.adapters.azure.arm_errors import lost, refused, timed_out, unfinished
from lockgate.adapters.azure.identity import Credential
from lockgate.adapters.azure.run_log import RunLog
from lockgate.adapters.azure.upload import send
from lockgate.adapters.clock import Clock
from lockgate.adapters.tracing import headers
from lockgate.core.azure_cloud import AzureConfig
from lockgate.core.release import Artifact, ArtifactKind
from lockgate.errors import (
    ArtifactMissingError,
    BuildFailedError,
    BuildOverBudgetError,
    TasksNotAllowedError,
)

_POLL_SECONDS = 2.0
_ENDED = {"Succeeded", "Failed", "Canceled", "Error", "Timeout"}


@dataclass(frozen=True, slots=True)
class Build:
    """What to build, and the name it is pushed under."""

    context: Callable[[], IO[bytes]]
    """Opens the context as a gzipped tar."""
    dockerfile: str
    repository: str
    tag: str
    arguments: Mapping[str, str]


class Registry:
    """One registry, found by the address its images are pulled from."""

    def __init__(
        self,
        config: AzureConfig,
        host: str,
        credential: Credential,
        clock: Clock,
        *,
        ca: str = "",
        trace: Callable[[], Mapping[str, str]] = headers,
    ) -> None:
        self._config, self._credential, self._clock, self._ca, self._trace = config, credential, clock, ca, trace
        self.host = host.lower()
        self._found: tuple[str, str] | None = None

    @property
    def name(self) -> str:
        """The resource's name; raise ArtifactMissingError where the resource group has no such registry.

        It is looked up, because the address does not always begin with it: newer registries have a hash there.
        """
        return self._resource[0]

    @property
    def resource_id(self) -> str:
        """The resource's whole id."""
        return self._resource[1]

    @property
    def _resource(self) -> tuple[str, str]:
        if self._found is None:
            self._found = self._look_up()
        return self._found

    def _look_up(self) -> tuple[str, str]:
        with self._asked("GET", "registries"), self._registries() as client:
            known = list(client.registries.list_by_resource_group(self._config.resource_group))
        for one in known:
            if str(one.properties.login_server).lower() == self.host:
                return str(one.name), str(one.id)
        raise ArtifactMissingError(
            f"The resource group {self._config.resource_group} has no registry {self.host}.",
            why=f"It has: {', '.join(str(one.properties.login_server) for one in known) or 'none'}.",
            fix="Correct build.registry or azure.resource_group.",
        )

    def build(self, build: Build, *, timeout: float, on_line: Callable[[str], None]) -> str:
        """Build in the registry, its log line by line, and give the digest.

        Raises TasksNotAllowedError, BuildFailedError, BuildOverBudgetError, AzureError.
        """
        deadline = self._clock.monotonic() + timeout
        with self._tasks() as client:
            run = self._schedule(client, build, timeout)
            name = str(run.name)
            log = RunLog(lambda: self._log_url(client, name), self._clock, self._ca, on_line)
            try:
                while run.properties.status not in _ENDED:
                    log.read()
                    self._until(deadline)
                    with self._asked("GET", f"runs/{name}"):
                        run = client.runs.get(*self._place, name)
                log.finish()
            finally:
                log.close()
        return _digest(run.properties, build)

    def bring(self, artifact: Artifact, *, source: "Registry", timeout: float) -> Artifact:
        """Import an image from another registry by its digest, and give its name here. Doing it twice is doing it once.

        Raises AzureError. The layers travel between the registries, not through this machine.
        """
        from azure.core.exceptions import AzureError as ClientError  # noqa: PLC0415
        from azure.mgmt.containerregistry import models  # noqa: PLC0415

        repository = artifact.name.partition("/")[2]
        wanted = models.ImportImageParameters(
            source=models.ImportSource(resource_id=source.resource_id, source_image=f"{repository}@{artifact.digest}"),
            untagged_target_repositories=[repository],
            mode="Force",
        )
        deadline = self._clock.monotonic() + timeout
        with self._registries() as client:
            with self._asked("POST", "importImage"):
                poller = client.registries.begin_import_image(*self._place, wanted, polling_interval=1)
            while not poller.done():
                if self._clock.monotonic() > deadline:
                    raise timed_out("POST", f"/providers/x/{self.name}/importImage")
                self._clock.sleep(_POLL_SECONDS)
            try:
                poller.result()
            except ClientError as error:
                raise unfinished("POST", f"/providers/x/{self.name}/importImage", _body(error)) from error
        return Artifact(ArtifactKind.IMAGE, f"{self.host}/{repository}", artifact.digest)

    @property
    def _place(self) -> tuple[str, str]:
        return self._config.resource_group, self.name

    def _schedule(self, client: Any, build: Build, timeout: float) -> Any:
        from azure.mgmt.containerregistrytasks import models  # noqa: PLC0415

        with self._asked("POST", "listBuildSourceUploadUrl"):
            upload = client.registries.get_build_source_upload_url(*self._place, repeatable=True)
        send(upload.upload_url, build.context, self._clock, self._ca)
        request = models.DockerBuildRequest(
            image_names=[f"{build.repository}:{build.tag}"],
            is_push_enabled=True,
            docker_file_path=build.dockerfile,
            source_location=upload.relative_path,
            platform=models.PlatformProperties(os="Linux", architecture="amd64"),
            arguments=[models.Argument(name=name, value=value) for name, value in build.arguments.items()],
            timeout=max(300, int(timeout) + 1),  # the least that the service takes
        )
        with self._asked("POST", "scheduleRun"):
            return client.registries.schedule_run(*self._place, request)

    def _log_url(self, client: Any, run: str) -> str:
        with self._asked("POST", f"runs/{run}/listLogSasUrl"):
            found = client.runs.get_log_sas_url(*self._place, run, repeatable=True)
        return str(found.log_link or "")

    def _until(self, deadline: float) -> None:
        if self._clock.monotonic() > deadline:
            raise BuildOverBudgetError(
                "The build in the registry did not end within its budget.",
                fix="Make it faster (install dependencies before the code is copied), or raise budgets.build.",
            )
        self._clock.sleep(_POLL_SECONDS)

    @contextmanager
    def _tasks(self) -> Iterator[Any]:
        from azure.mgmt.containerregistrytasks import ContainerRegistryTasksMgmtClient  # noqa: PLC0415 - half a second

        with self._client(ContainerRegistryTasksMgmtClient) as client:
            yield client

    @contextmanager
    def _registries(self) -> Iterator[Any]:
        from azure.mgmt.containerregistry import ContainerRegistryManagementClient  # noqa: PLC0415 - half a second

        with self._client(ContainerRegistryManagementClient) as client:
            yield client

    def _client(self, kind: Any) -> Any:
        from lockgate.adapters.azure.pipeline import policies  # noqa: PLC0415
        from lockgate.adapters.azure.transport import Transport  # noqa: PLC0415

        cloud, trace = self._config.cloud, self._trace()  # as it is here: the libraries poll in a thread of theirs
        return kind(
            self._credential,
            self._config.subscription,
            base_url=cloud.resource_manager,
            credential_scopes=[cloud.scope],
            policies=policies(self._credential, cloud.scope, lambda: trace, cloud.resource_manager),
            transport=Transport(self._clock, self._ca),
        )

    @contextmanager
    def _asked(self, method: str, what: str) -> Iterator[None]:
        """Turn what the client libraries raise into our errors."""
        from azure.core.exceptions import AzureError as ClientError  # noqa: PLC0415
        from azure.core.exceptions import HttpResponseError  # noqa: PLC0415

        url = f"/providers/x/{self.host}/{what}"
        try:
            yield
        except HttpResponseError as error:
            answer = refused(method, url, error.status_code or 0, _body(error), asks=method == "GET")
            if "TasksOperationsNotAllowed" in f"{answer.code} {answer.why}":
                raise TasksNotAllowedError(
                    f"{self.host} may not run builds.",
                    why=answer.why,
                    fix="Free and trial subscriptions may not; ask Azure's support to allow it, or build with docker.",
                    code=answer.code,
                    status=answer.status,
                ) from error
            raise answer from error
        except ClientError as error:
            raise lost(method, url, str(error), certain=method == "GET") from error


def _body(error: Any) -> Any:
    try:
        return error.response.json()
    except (AttributeError, ValueError):
        return str(error)


def _digest(properties: Any, build: Build) -> str:
    status = getattr(properties.status, "value", properties.status)
    if status != "Succeeded":
        raise BuildFailedError(
            f"The build in the registry ended as {status}.",
            why=str(properties.run_error_message or "its log, above, says why"),
            fix="Correct the Dockerfile; the registry keeps the log of the run.",
        )
    images = itertools.chain(properties.output_images or [])
    digests = {str(one.digest) for one in images if one.repository == build.repository and one.digest}
    if len(digests) != 1:
        raise BuildFailedError(f"The run succeeded and names {len(digests)} images of {build.repository}, not one.")
    return digests.pop()

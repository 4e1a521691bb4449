"""Read a secret of a Key Vault. The token goes to the configured address only, so no challenge is asked for first."""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from lockgate.adapters.azure.arm_errors import garbled, lost, refused
from lockgate.adapters.azure.identity import Credential
from lockgate.adapters.clock import Clock
from lockgate.adapters.tracing import headers

_API = "7.5"
_ERROR = 400


class KeyVault:
    """One vault."""

    def __init__(
        self,
        address: str,
        audience: str,
        credential: Credential,
        clock: Clock,
        *,
        ca: str = "",
        trace: Callable[[], Mapping[str, str]] = headers,
    ) -> None:
        from azure.core import PipelineClient  # noqa: PLC0415 - a fifth of a second

        from lockgate.adapters.azure.pipeline import policies  # noqa: PLC0415
        from lockgate.adapters.azure.transport import Transport  # noqa: PLC0415

        self._base = address.rstrip("/")
        scope = f"{audience.rstrip('/')}/.default"
        stack = policies(credential, scope, trace, self._base)
        self._client: PipelineClient[Any, Any] = PipelineClient(
            self._base, policies=stack, transport=Transport(clock, ca)
        )

    def read(self, name: str) -> str:
        """Give the newest value of a secret; raise AzureDeniedError, AzureNotFoundError, AzureUnavailableError."""
        from azure.core.exceptions import AzureError as ClientError  # noqa: PLC0415
        from azure.core.rest import HttpRequest  # noqa: PLC0415

        url = f"{self._base}/secrets/{quote(name, safe='')}/?api-version={_API}"
        try:
            answer = self._client.send_request(HttpRequest("GET", url))
        except ClientError as error:
            raise lost("GET", url, str(error), certain=True) from error
        try:
            body: Any = answer.json() if answer.content else None
            if answer.status_code >= _ERROR:
                raise refused("GET", url, answer.status_code, body, asks=True)
            return str(body["value"])
        except (ValueError, LookupError, TypeError) as error:
            raise garbled("GET", url, answer.text(), certain=True) from error

    def close(self) -> None:
        """Let the connection go."""
        self._client.close()

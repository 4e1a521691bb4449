"""Put a build context where a registry said."""

from collections.abc import Callable
from typing import IO

from lockgate.adapters.azure.arm_errors import lost, refused
from lockgate.adapters.clock import Clock

_ERROR = 400
_SUBJECT = "/the build context"


def send(url: str, context: Callable[[], IO[bytes]], clock: Clock, ca: str) -> None:
    """Upload it; raise AzureError. The address carries its own permission: our token stays here."""
    from azure.core.exceptions import AzureError as ClientError  # noqa: PLC0415
    from azure.core.rest import HttpRequest  # noqa: PLC0415

    from lockgate.adapters.azure.pipeline import anonymous  # noqa: PLC0415

    headers = {"x-ms-blob-type": "BlockBlob", "Content-Type": "application/octet-stream"}
    with context() as file, anonymous(url, clock, ca) as client:
        try:
            answer = client.send_request(HttpRequest("PUT", url, headers=headers, content=file))
        except ClientError as error:
            raise lost("PUT", _SUBJECT, str(error), certain=True) from error
        if answer.status_code >= _ERROR:
            raise refused("PUT", _SUBJECT, answer.status_code, answer.text(), asks=True)

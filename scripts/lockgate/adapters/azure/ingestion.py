"""Send a trace to Application Insights: one POST to the endpoint that its connection string names."""

from collections.abc import Sequence

from lockgate.adapters.azure.arm import Arm
from lockgate.adapters.azure.arm_errors import lost, refused
from lockgate.adapters.clock import Clock
from lockgate.core.app_insights import TRACK, ConnectionString, envelopes
from lockgate.core.azure_cloud import AzureConfig
from lockgate.core.trace import Span
from lockgate.errors import AzureRefusedError

_API = "2020-02-02"
_OK = 200


def connection_of(arm: Arm, config: AzureConfig, component: str) -> str:
    """Ask the resource for its connection string, so that nobody has to store it; raise AzureError."""
    path = (
        f"/subscriptions/{config.subscription}/resourceGroups/{config.resource_group}"
        f"/providers/Microsoft.Insights/components/{component}"
    )
    return str(arm.get(path, _API)["properties"].get("ConnectionString", ""))


def send(spans: Sequence[Span], to: ConnectionString, service: str, clock: Clock, ca: str, *, seconds: float) -> None:
    """Send spans once; raise AzureError where not all were taken. No token of ours goes there, the key is the door."""
    from azure.core.exceptions import AzureError as ClientError  # noqa: PLC0415
    from azure.core.rest import HttpRequest  # noqa: PLC0415

    from lockgate.adapters.azure.pipeline import anonymous  # noqa: PLC0415

    items = envelopes(spans, to.key, service)
    with anonymous(to.endpoint, clock, ca) as client:
        try:
            request = HttpRequest("POST", f"{to.endpoint}{TRACK}", json=items)
            answer = client.send_request(request, connection_timeout=seconds, read_timeout=seconds)
            said = answer.json() if answer.content else {}
        except (ClientError, ValueError) as error:
            raise lost("POST", TRACK, str(error), certain=True) from error
    taken = said.get("itemsAccepted", 0) if isinstance(said, dict) else 0
    if answer.status_code != _OK or taken != len(items):
        problem = refused("POST", TRACK, answer.status_code, said, asks=True)
        raise AzureRefusedError(f"It took {taken} of {len(items)} spans.", why=problem.why)

"""Spans as Application Insights takes them, and the connection string that says where. Pure.

The shapes are those of Microsoft's own exporter for OpenTelemetry, held equal by a test: an inner span is a dependency
within the process, the outermost one a request. That exporter is a preview since 2021, reports about itself by default,
and brings psutil, msrest and a folder on disk; what is needed of it is this file and one POST. Sources:
learn.microsoft.com/azure/azure-monitor/app/connection-strings and
github.com/microsoft/ApplicationInsights-Home/tree/master/EndpointSpecs.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from lockgate.core.trace import Span

TRACK = "/v2.1/track"
_GLOBAL = "https://dc.services.visualstudio.com"
_KEY = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_ENDPOINT = re.compile(r"https://[A-Za-z0-9.-]+(:[0-9]{1,5})?/?")
_NAME, _PROPERTY = 1024, 8192
"""The longest that it keeps of a name and of a property."""


@dataclass(frozen=True, slots=True)
class ConnectionString:
    """Where telemetry goes, and whose it is."""

    endpoint: str
    key: str

    @classmethod
    def parse(cls, text: str) -> "ConnectionString":
        """Read one; raise ValueError, which never shows it."""
        pairs = (part.partition("=") for part in text.split(";") if part.strip())
        found = {name.strip().lower(): value.strip() for name, _, value in pairs}
        key, endpoint = found.get("instrumentationkey", ""), found.get("ingestionendpoint", "")
        if not endpoint and "endpointsuffix" in found:
            location = f"{found['location']}." if found.get("location") else ""
            endpoint = f"https://{location}dc.{found['endpointsuffix']}"
        endpoint = endpoint or _GLOBAL
        if not _KEY.fullmatch(key):
            raise ValueError("it names no InstrumentationKey")
        if not _ENDPOINT.fullmatch(endpoint):
            raise ValueError("its IngestionEndpoint is no https address")
        return cls(endpoint.rstrip("/"), key)


def envelopes(spans: Sequence[Span], key: str, service: str) -> list[dict[str, Any]]:
    """Give the items to send for these spans."""
    return [_envelope(span, key, service) for span in spans]


def _envelope(span: Span, key: str, service: str) -> dict[str, Any]:
    name = span.name[:_NAME]
    about = {**span.attributes, "lockgate.service": service}
    if span.message:
        about["message"] = span.message
    data: dict[str, Any] = {
        "ver": 2,
        "name": name,
        "id": span.id,
        "duration": _duration(span.end - span.start),
        "success": span.passed,
        "properties": {one: value[:_PROPERTY] for one, value in about.items()},
        "measurements": {},
    }
    tags = {
        "ai.operation.id": span.trace,
        "ai.operation.name": name,
        "ai.cloud.role": "lockgate",
        "ai.internal.sdkVersion": "lockgate",
    }
    if span.parent:
        tags["ai.operation.parentId"] = span.parent
        kind, data = "RemoteDependency", {**data, "resultCode": "0", "type": "InProc"}
    else:
        kind, data = "Request", {**data, "responseCode": "0"}
    return {
        "name": f"Microsoft.ApplicationInsights.{kind}",
        "iKey": key,
        "time": _time(span.start),
        "tags": tags,
        "data": {"baseType": f"{kind}Data", "baseData": data},
    }


def _time(nanoseconds: int) -> str:
    seconds, rest = divmod(nanoseconds, 10**9)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest // 1000:06d}Z"


def _duration(nanoseconds: int) -> str:
    """Give d.hh:mm:ss.fff."""
    milliseconds = max(0, nanoseconds) // 10**6
    seconds, milliseconds = divmod(milliseconds, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    return f"{days}.{hours:02}:{minutes:02}:{seconds:02}.{milliseconds:03}"

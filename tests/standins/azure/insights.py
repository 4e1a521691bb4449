"""Microsoft.Insights: the autoscale settings of a resource group. One for each resource, as Azure has it."""

import re
from typing import Any

from tests.standins.azure.identity import Identity
from tests.standins.azure.messages import Answer, Request, error
from tests.standins.azure.server import StandInServer

_DURATIONS = (("metricTrigger", "timeGrain"), ("metricTrigger", "timeWindow"), ("scaleAction", "cooldown"))


class Autoscale:
    """The settings, by name."""

    def __init__(self, server: StandInServer, identity: Identity, group: str) -> None:
        self.settings: dict[str, dict[str, Any]] = {}
        self.group = group
        self._identity = identity
        path = f"{re.escape(group)}/providers/Microsoft.Insights/autoscalesettings"
        server.route("GET", path, self._list)
        server.route("GET", f"{path}/([^/]+)", self._get)
        server.route("PUT", f"{path}/([^/]+)", self._put)

    def _list(self, request: Request, _: re.Match[str]) -> Answer:
        return self._identity.authorise(request) or Answer(200, {"value": list(self.settings.values())})

    def _get(self, request: Request, match: re.Match[str]) -> Answer:
        if refused := self._identity.authorise(request):
            return refused
        found = self.settings.get(match[1])
        return Answer(200, found) if found else error(404, "ResourceNotFound", f"No setting {match[1]}.")

    def _put(self, request: Request, match: re.Match[str]) -> Answer:
        if refused := self._identity.authorise(request):
            return refused
        name, body = match[1], request.json
        target = body["properties"]["targetResourceUri"].lower()
        for other, one in self.settings.items():
            if other != name and one["properties"]["targetResourceUri"].lower() == target:
                return error(409, "Conflict", f"An autoscale setting for {target} exists already: {other}.")
        for rule in (rule for profile in body["properties"]["profiles"] for rule in profile.get("rules", [])):
            for part, key in _DURATIONS:
                rule[part][key] = _written_back(rule[part][key])
        status = 200 if name in self.settings else 201
        self.settings[name] = {
            "id": f"{self.group}/providers/Microsoft.Insights/autoscalesettings/{name}",
            "name": name,
            "type": "Microsoft.Insights/autoscaleSettings",
            **body,
        }
        return Answer(status, self.settings[name])


def _written_back(duration: str) -> str:
    """Write so many minutes as .NET's XmlConvert does a TimeSpan: in the largest units there are."""
    minutes = int(duration.removeprefix("PT").removesuffix("M"))
    days, hours, rest = minutes // 1440, minutes // 60 % 24, minutes % 60
    time = (f"{hours}H" if hours else "") + (f"{rest}M" if rest else "")
    return "P" + (f"{days}D" if days else "") + (f"T{time}" if time else "")

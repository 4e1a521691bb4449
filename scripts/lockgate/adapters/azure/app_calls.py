"""The calls to one container app, and what they read. One method for each call; nothing is decided here.

Microsoft.App 2024-03-01.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lockgate.adapters.azure.arm import Arm

API = "2024-03-01"
CHANGE_SECONDS = 240.0


@dataclass(frozen=True, slots=True)
class Seen:
    """An app and its revisions, read at one time."""

    app: Mapping[str, Any]
    revisions: Sequence[Mapping[str, Any]]


class AppCalls:
    """One container app."""

    def __init__(self, arm: Arm, group: str, app: str) -> None:
        self._arm = arm
        self._app = f"{group}/providers/Microsoft.App/containerApps/{app}"
        self.last_revision: Mapping[str, Any] = {}

    def read(self) -> Seen:
        """Read the app and every revision of it, inactive ones too."""
        return Seen(self.app(), self._arm.pages(f"{self._app}/revisions", API))

    def app(self) -> Mapping[str, Any]:
        """Read the app."""
        found: Mapping[str, Any] = self._arm.get(self._app, API)
        return found

    def revision(self, name: str) -> Mapping[str, Any]:
        """Read one revision."""
        self.last_revision = self._arm.get(f"{self._app}/revisions/{name}", API)
        return self.last_revision

    def beside(self, seen: Seen, name: str) -> Seen:
        """Read the app again, and put a revision as it was just read beside those that were there."""
        others = [one for one in seen.revisions if one["name"] != name]
        return Seen(self.app(), [*others, self.last_revision])

    def patch(self, body: Mapping[str, Any]) -> None:
        """Change the app by a merge: lists are replaced whole. Done twice it is done once."""
        self._arm.change("PATCH", self._app, API, body, timeout=CHANGE_SECONDS)

    def deactivate(self, name: str) -> None:
        """Stop a revision. Done twice it is done once."""
        self._arm.send("POST", f"{self._app}/revisions/{name}/deactivate", API, repeatable=True)

    def without(self, seen: Seen, name: str) -> Seen:
        """Give what was read, with a revision deactivated since."""
        return Seen(seen.app, [one for one in seen.revisions if one["name"] != name])

    def changed_secrets(self, app: Mapping[str, Any], wanted: Sequence[Mapping[str, str]]) -> list[Mapping[str, str]]:
        """Give the app's whole list of secrets with these in it; nothing where they are there already.

        The list is replaced whole and its values are not part of the app's document: they are asked for, so that
        setting ours does not lose theirs.
        """
        found = (app["properties"].get("configuration") or {}).get("secrets") or []
        there = {one["name"]: one.get("keyVaultUrl") for one in found}
        if all(one.get("keyVaultUrl") and there.get(one["name"]) == one["keyVaultUrl"] for one in wanted):
            return []
        listed = self._arm.ask(f"{self._app}/listSecrets", API)["value"]
        ours = {one["name"] for one in wanted}
        kept = [{key: one[key] for key in _WRITABLE if one.get(key)} for one in listed if one["name"] not in ours]
        return [*kept, *wanted]


_WRITABLE = ("name", "value", "keyVaultUrl", "identity")

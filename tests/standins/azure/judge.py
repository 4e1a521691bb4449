"""Hold recorded exchanges against Microsoft's own API descriptions, which stand beside this repository's clone."""

import importlib.util
import sys
from pathlib import Path

from tests.standins.azure.messages import Exchange

_FOLDERS = ("web", "app", "monitor", "containerregistry", "keyvault")
_UNDESCRIBED = ("/providers/Microsoft.ManagedIdentity/", "/providers/Microsoft.Authorization/")
"""Of whom an identity trusts and what it may do, which `doctor` reads, there is no description here."""
_LEGACY_CONFLICT = {"Code", "Message", "Target", "Details", "Innererror"}


class Judge:
    """Loads the descriptions once; counts what it judged."""

    def __init__(self, contracts: Path) -> None:
        source = importlib.util.spec_from_file_location("arm_contract", contracts / "arm_contract.py")
        assert source is not None
        assert source.loader is not None
        module = importlib.util.module_from_spec(source)
        sys.modules["arm_contract"] = module
        source.loader.exec_module(module)
        specification = contracts / "azure" / "specification"
        files = [
            path
            for folder in _FOLDERS
            for path in sorted((specification / folder).rglob("*.json"))
            if "examples" not in path.parts
        ]
        self._spec = module.Spec([str(path) for path in files])

    def check(self, exchanges: list[Exchange]) -> tuple[int, list[str]]:
        """Say how many exchanges a description knows, and what breaks it.

        Not judged are calls to Entra, GitHub, blobs and a registry's data, identities and role assignments, for which
        there is none here, and two faults on purpose that none describes: Microsoft.Web's legacy conflicts, and answers that were lost.
        """
        judged, found = 0, []
        for exchange in exchanges:
            record = exchange.to_record()
            if "/providers/Microsoft." not in record["url"] and "/secrets/" not in record["url"]:
                continue
            if any(provider in record["url"] for provider in _UNDESCRIBED):
                continue
            body = record["resp"]
            if exchange.answer is None or (isinstance(body, dict) and set(body) == _LEGACY_CONFLICT):
                continue
            judged += 1
            operation, problems = self._spec.check(record)
            found += [
                f"{record['method']} {exchange.request.path} {record['status']} ({operation}): {problem}"
                for problem in problems
                if not problem.startswith("WARN")
            ]
        return judged, found

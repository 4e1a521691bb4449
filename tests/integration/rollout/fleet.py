"""The small project with several targets, shipped in waves."""

import urllib.request

from tests.integration.rollout.shop import Shop
from tests.ports import free_port


class FleetShop(Shop):
    """Production is three targets in two waves: eu, then us and au."""

    def __init__(self, root, **environment):
        names = ["eu", "us", "au"]
        self.ports = {name: free_port() for name in names}
        super().__init__(root)
        production = self.config["environments"]["production"]
        del production["target"]
        production["targets"] = {name: {"port": port, "start_timeout": "10s"} for name, port in self.ports.items()}
        production["waves"] = [["eu"], ["us", "au"]]
        production["strategy"] = {"steps": [100], "drain": "1s"}
        production["gate"] |= {"rate": 20, "detect": "60%", "minimum_samples": 6}
        production |= environment
        self.write()

    def serving_everywhere(self):
        """Ask each target who answers; "" where nobody does."""
        return {name: self._ask(port) for name, port in self.ports.items()}

    def everywhere(self, version):
        return dict.fromkeys(self.ports, version)

    def members(self, result):
        """How each target ended."""
        return {name: member["outcome"] for name, member in result["data"]["members"].items()}

    def _ask(self, port):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as answer:
                return answer.headers["X-Version"]
        except OSError:
            return ""

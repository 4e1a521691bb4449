"""`lockgate recover` on the machine where a rollout died, with the shared ledger away."""

import time

import pytest

from tests.integration.ledger.test_faults import direct
from tests.integration.rollout.fleet import FleetShop
from tests.integration.rollout.shop import Shop
from tests.integration.rollout.test_cut_off import assert_only
from tests.postgres import Wire


class Shared:
    """A project whose ledger is a PostgreSQL at the other end of a wire."""

    def __init__(self, root, databases, database):
        super().__init__(root)
        self.wire = Wire(databases.server.port)
        self.dsn = databases.server.dsn(database, "deployer").replace(str(databases.server.port), str(self.wire.port))
        self.ledger, self.call = direct(databases, database)
        self.owner = lambda: databases.owner(database)
        self.config["ledger"] = {"kind": "postgres", "timeout": "2s"}
        self.write()

    def start(self, *words, **env):
        return super().start(*words, LOCKGATE_LEDGER_SECRET=self.dsn, **env)

    def close(self):
        self.wire.whole()
        self.free()
        super().close()
        self.wire.close()
        self.call.close()

    def free(self):
        """Let the time of every lease pass: whoever died, or was cut off, could not give it back."""
        with self.owner() as db:
            db.execute("update public.deployment_leases set expires_at = '2020-01-01'")

    def shifted(self, count):
        """Wait until traffic was shifted so often in all."""
        deadline = time.monotonic() + 30
        while sum(link.kind == "happened.shifted" for link in self.ledger.links(0)) < count:
            assert time.monotonic() < deadline
            time.sleep(0.02)


class SharedShop(Shared, Shop):
    pass


class SharedFleet(Shared, FleetShop):
    pass


@pytest.fixture
def make(tmp_path, databases, database):
    made = []
    yield lambda kind: made.append(kind(tmp_path, databases, database)) or made[0]
    made[0].close()


def test_what_was_undone_without_the_ledger_is_told(make):
    """All the traffic is back, and the command says so; what else is left there the next one can ask."""
    shop = make(SharedShop)
    assert shop.deploy("1.0")[0] == 0
    shop.build("1.1")
    process = shop.start("deploy", "production")
    shop.shifted(2)
    process.kill()
    process.communicate()
    shop.wire.cut()
    code, result, progress = shop.lockgate("recover", "production")
    assert code == 0, progress
    (recovered,) = result["data"]["recovered"]
    assert (recovered["decision"], recovered["version"], shop.serving()) == ("rolled_back", "1.1", "1.0")
    assert "goes on under the lease it had" in progress
    assert "what else is left here is not known" in progress
    shop.wire.whole()
    assert shop.lockgate("recover", "production")[1]["message"] == "nothing to recover"
    assert_only(shop, "1.0")
    assert [one.status for one in shop.ledger.deployments()] == ["rolled_back", "deployed"]


def test_a_fleet_that_is_undone_while_the_ledger_goes_away_is_told(make):
    """It goes away when the traffic is back: what was done is told, and the next one closes the fleet's own record."""
    fleet = make(SharedFleet)
    assert fleet.deploy("1.0")[0] == 0
    fleet.build("1.1", mode="silent", bad_in=["production/us", "production/au"])
    process = fleet.start("deploy", "production")
    fleet.shifted(4)
    process.kill()
    process.communicate()
    fleet.free()
    recovering = fleet.start("recover", "production")
    fleet.shifted(5)
    fleet.wire.cut()
    code, result, progress = fleet.finish(recovering)
    assert code == 0, progress
    told = {one["environment"]: one["decision"] for one in result["data"]["recovered"]}
    assert told == {"production/eu": "rolled_back"}
    assert "what else is left here is not known" in progress
    assert fleet.serving_everywhere() == fleet.everywhere("1.0")
    fleet.wire.whole()
    fleet.free()
    (closed,) = fleet.lockgate("recover", "production")[1]["data"]["recovered"]
    assert (closed["environment"], closed["decision"]) == ("production", "rolled_back")
    assert fleet.lockgate("recover", "production")[1]["message"] == "nothing to recover"
    assert {one.status for one in fleet.ledger.deployments(environment="production")} == {"rolled_back", "deployed"}

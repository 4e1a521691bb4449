"""`lockgate recover` on the machine where a rollout died, with the shared ledger away."""

import time

import pytest

from tests.integration.ledger.test_faults import direct
from tests.integration.rollout.shop import Shop
from tests.integration.rollout.test_cut_off import assert_only
from tests.postgres import Wire


class SharedShop(Shop):
    """Its ledger is a PostgreSQL at the other end of a wire."""

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
        with self.owner() as db:
            db.execute("update public.deployment_leases set expires_at = '2020-01-01'")
        super().close()
        self.wire.close()
        self.call.close()

    def shifted(self):
        return sum(link.kind == "happened.shifted" for link in self.ledger.links(0))


@pytest.fixture
def shop(tmp_path, databases, database):
    made = SharedShop(tmp_path, databases, database)
    yield made
    made.close()


def test_what_was_undone_without_the_ledger_is_told(shop):
    """All the traffic is back, and the command says so; what else is left there the next one can ask."""
    assert shop.deploy("1.0")[0] == 0
    before = shop.shifted()
    shop.build("1.1")
    process = shop.start("deploy", "production")
    deadline = time.monotonic() + 30
    while shop.shifted() == before:
        assert time.monotonic() < deadline
        time.sleep(0.02)
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

"""Who may come in to the board, by claims, by tokens, and by what its environment says."""

from datetime import UTC, date, datetime, timedelta

import pytest

from lockgate.core.board import service_token
from lockgate.core.board.access import Access, NoAccessError
from lockgate.core.board.entrance import EntranceError, parse
from lockgate.core.board.rates import MOST, Buckets, Rate
from lockgate.core.board.service_token import ServiceToken, hashed, holder
from lockgate.core.board.viewer import Role

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
ADA = {"sub": "1", "iss": "https://id.example", "preferred_username": "ada"}
FULL = {
    "OIDC_ISSUER": "https://id.example/users/v2.0",
    "OIDC_CLIENT_ID": "board",
    "PUBLIC_URL": "https://board.example",
    "TRUSTED_PROXIES": "10.0.0.0/8, 192.0.2.1",
}  # fmt: skip


@pytest.mark.parametrize(
    ("access", "claims", "role"),
    [
        (Access(), {"roles": ["operator"]}, Role.OPERATOR),
        (Access(), {"roles": ["viewer", "other"]}, Role.VIEWER),
        (Access(), {"roles": "viewer operator"}, Role.OPERATOR),
        (Access("realm_access.roles"), {"realm_access": {"roles": ["viewer"]}}, Role.VIEWER),
        (Access("https://example.com/roles"), {"https://example.com/roles": ["viewer"]}, Role.VIEWER),
        (Access("groups", operators=frozenset({"SRE on call"})), {"groups": ["SRE on call"]}, Role.OPERATOR),
        (Access(viewers=frozenset({"*"})), {}, Role.VIEWER),
        (Access(), {}, None),
        (Access(), {"roles": ["Operator", "operators", ""]}, None),
        (Access(), {"roles": {"operator": True}}, None),
        (Access(), {"roles": ["*"], "groups": ["operator"]}, None),
        (Access(operators=frozenset({"*"})), {"roles": ["none"]}, None),
    ],
)
def test_a_role_follows_from_claims_and_from_nothing_else(access, claims, role):
    """Whoever has none may not look; `*` makes viewers of everybody, never operators."""
    if role is None:
        with pytest.raises(NoAccessError, match="none of the roles"):
            access.viewer({**ADA, **claims})
    else:
        assert access.viewer({**ADA, **claims}).role is role


@pytest.mark.parametrize(
    ("services", "seen", "claimed"),
    [
        (["shop", "till"], {"shop", "till"}, ["shop", "till"]),
        (["shop", "*"], None, ["*"]),
        (None, set(), []),
        ([7, None, "x" * 101], set(), []),
    ],
)
def test_the_services_that_somebody_may_see_are_those_of_the_claim(services, seen, claimed):
    """A claim that is missing shows nothing, and the database is told the same."""
    access = Access(viewers=frozenset({"*"}), services_claim="app_metadata.lockgate_services")
    viewer = access.viewer({**ADA, "app_metadata": {"lockgate_services": services}})
    assert viewer.services == seen
    assert viewer.claims == {
        "sub": "1", "iss": "https://id.example", "role": "authenticated",
        "app_metadata": {"lockgate_services": claimed},
    }  # fmt: skip


def test_a_name_is_for_people_alone():
    """It has nothing in it that turns the text around it, and nobody is called like a program."""
    everybody = Access(viewers=frozenset({"*"}))
    names = {"preferred_username": "token:reports", "email": "", "name": "A\u202eda"}
    assert everybody.viewer({**ADA, **names}).name == "A\N{REPLACEMENT CHARACTER}da"
    assert everybody.viewer({"sub": "1"}).name == "1"
    many = {"_claim_names": {"groups": "src1"}}
    with pytest.raises(NoAccessError, match="so many groups"):
        Access("groups").viewer({**ADA, **many})


def test_a_service_token_is_kept_as_a_hash_and_ends():
    """It speaks for its line up to the last second of its last day, and for nobody in any other letter."""
    kept = ServiceToken("reports", Role.VIEWER, "shop,till", date(2026, 3, 4), hashed("lgb_x"))
    assert service_token.parse(f"# for the reports\n\n{kept.line()}\n") == (kept,)
    assert "lgb_x" not in kept.line()
    viewer = holder([kept], "lgb_x", NOW)
    assert (viewer.name, viewer.role, viewer.services) == ("token:reports", Role.VIEWER, {"shop", "till"})
    assert holder([kept], "lgb_x", datetime(2026, 3, 4, 23, 59, 59, tzinfo=UTC))
    for token, now in (("lgb_x", NOW + timedelta(hours=12)), ("lgb_X", NOW), ("", NOW), (kept.hash, NOW)):
        assert holder([kept], token, now) is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("reports viewer * 2026-03-04", "reports: a line is NAME ROLE"),
        ("reports admin * 2026-03-04 " + hashed("x"), "admin"),
        ("reports viewer * tomorrow " + hashed("x"), "isoformat"),
        ("reports viewer a;b 2026-03-04 " + hashed("x"), "services"),
        ("reports viewer * 2026-03-04 lgb_secret", "sha256"),
        (f"a viewer * 2026-03-04 {hashed('x')}\na viewer * 2026-03-04 {hashed('y')}", "same name"),
    ],
)
def test_a_line_that_makes_no_sense_is_explained(text, said):
    """By the token's name, and never with what was taken for its hash."""
    with pytest.raises(ValueError, match=said) as error:
        service_token.parse(text)
    assert "lgb_secret" not in str(error.value)


@pytest.mark.parametrize(
    ("change", "loopback", "said"),
    [
        ({"OIDC_ISSUER": ""}, False, ["OIDC_ISSUER: is missing"]),
        ({"OIDC_CLIENT_ID": ""}, True, ["OIDC_CLIENT_ID: is missing"]),
        ({"OIDC_ISSUER": "http://id.example"}, False, ["OIDC_ISSUER: is an https"]),
        ({"OIDC_ISSUER": "https://id.example/?x=1"}, False, ["OIDC_ISSUER: is an https"]),
        ({"OIDC_ISSUER": "https://login.microsoftonline.com/common/v2.0"}, False, ["names one tenant"]),
        ({"PUBLIC_URL": ""}, False, ["PUBLIC_URL: is missing"]),
        ({"PUBLIC_URL": "http://board.example"}, False, ["PUBLIC_URL: is https"]),
        ({"PUBLIC_URL": "https://board.example/lockgate"}, False, ["PUBLIC_URL: is https"]),
        ({"PUBLIC_URL": "https://board.example@evil.example"}, False, ["PUBLIC_URL: is https"]),
        ({"TRUSTED_PROXIES": ""}, False, ["TRUSTED_PROXIES: is missing"]),
        ({"TRUSTED_PROXIES": "*"}, False, ["0.0.0.0/0 where nothing but"]),
        ({"TRUSTED_PROXIES": "proxy, 10.0.0.1/8"}, False, ["10.0.0.1/8 has host bits", "'proxy' does not"]),
        ({"SESSION_KEY": "short"}, False, ["openssl rand"]),
        ({"SESSION_HOURS": "25"}, False, ["SESSION_HOURS: is 0.1 to 24"]),
        ({"SESSION_HOURS": "nan"}, False, ["SESSION_HOURS: is 0.1 to 24"]),
        ({"OIDC_SCOPES": "profile"}, False, ["has openid among them"]),
        ({"TOKENS": "x"}, False, ["TOKENS: x: a line is"]),
        ({"OIDC_ISSUER": "", "OIDC_CLIENT_ID": ""}, True, ["OIDC_ISSUER: is missing", "OIDC_CLIENT_ID: is missing"]),
    ],
)
def test_settings_that_make_no_sense_are_explained_all_at_once(change, loopback, said):
    """By the name of the variable; a board that is half closed would be open."""
    with pytest.raises(EntranceError) as error:
        parse({**FULL, **change}, loopback=loopback)
    assert len(error.value.problems) == len(said)
    for text, problem in zip(said, error.value.problems, strict=True):
        assert text in problem
        assert problem.startswith("LOCKGATE_BOARD_")


def test_settings_that_make_sense_are_taken():
    """Nothing said is no sign-in; two keys are the new one and the old one."""
    assert parse({}, loopback=True) is None
    assert parse({"OIDC_ISSUER": "  "}, loopback=False) is None
    found = parse(
        {**FULL, "SESSION_KEY": f"{'n' * 32} {'o' * 32}", "VIEWERS": "*", "SESSION_HOURS": "1.5"}, loopback=False
    )
    assert found.trusted_proxies == {"10.0.0.0/8", "192.0.2.1"}
    assert (found.session_keys, found.session_hours) == (("n" * 32, "o" * 32), 1.5)
    assert found.access == Access(viewers=frozenset({"*"}))
    assert "n" * 32 not in repr(found)
    here = parse({"OIDC_ISSUER": "http://127.0.0.1:9/tenant", "OIDC_CLIENT_ID": "board"}, loopback=True)
    assert (here.public_url, here.trusted_proxies, here.tokens) == ("", frozenset(), ())


def test_a_bucket_gives_its_burst_and_then_its_rate():
    """Each asker has an own one, and many askers fill no memory."""
    buckets = Buckets(Rate(3, 0.5))
    assert [buckets.wait("a", 10.0) for _ in range(4)] == [0, 0, 0, 2]
    assert (buckets.wait("b", 10.0), buckets.wait("a", 11.0), buckets.wait("a", 12.0)) == (0, 1, 0)
    assert [buckets.wait("a", 1000.0) for _ in range(4)] == [0, 0, 0, 2]
    for number in range(MOST + 10):
        buckets.wait(str(number), 2000.0)
    assert len(buckets._kept) == MOST

"""What is said outside: by the schema, signed, and in forms that hostile words cannot bend."""

import hashlib
import hmac
import json
from pathlib import Path

import jsonschema
import pytest

from lockgate.core.notification import Form, NotifyConfig, body, message, signature, wanted
from lockgate.core.reasons import Outcome, Reason
from lockgate.core.release import Artifact, ArtifactKind, Release
from lockgate.core.rollout_model import Phase, Plan, Standing, State

SCHEMA = json.loads((Path(__file__).parents[3] / "schemas" / "notification.schema.json").read_text())
EVIL = "<!channel> <https://evil.example|click> **bold** [x](http://evil.example) & \x1b[2J\n# big"


def said(outcome=Outcome.ROLLED_BACK, version="1.1", *, baseline=True):
    release = Release("shop", version, "b" * 40, Artifact(ArtifactKind.BUNDLE, "shop", "sha256:" + "b" * 64))
    standing = Standing("blue", release, verified=True) if baseline else None
    plan = Plan("r1", "production", release, standing, (100,), actor="ada", approval="given by grace")
    state = State(plan, Phase.DONE, outcome=outcome, reason=Reason.GATE_ERROR_STATUS)
    return message(
        state, EVIL, at="2026-11-25T10:00:00+00:00", url="https://shop.example", run_url="https://github.com/x"
    )


@pytest.mark.parametrize("outcome", Outcome)
@pytest.mark.parametrize("baseline", [True, False])
def test_a_webhook_is_told_by_the_schema(outcome, baseline):
    """Every outcome, with and without something that served before."""
    jsonschema.validate(json.loads(body(Form.WEBHOOK, said(outcome, baseline=baseline))), SCHEMA)


def test_the_signature_is_of_time_and_body():
    """Anybody with the key can check it with their standard library; another time or body does not fit."""
    sent = body(Form.WEBHOOK, said())
    by_hand = hmac.new(b"key", b"1700000000." + sent, hashlib.sha256).hexdigest()
    assert signature("key", sent, 1700000000) == f"sha256={by_hand}"
    assert signature("key", sent, 1700000001) != f"sha256={by_hand}"
    assert signature("key", sent + b" ", 1700000000) != f"sha256={by_hand}"


def test_slack_pings_nobody_and_makes_no_foreign_link():
    """`<` is what mentions and links are made of."""
    sent = json.loads(body(Form.SLACK, said(version="<!here>")))
    text = sent["blocks"][0]["text"]["text"]
    assert "<" not in text
    assert "&lt;!channel&gt;" in text
    assert "&lt;!here&gt;" in sent["text"]
    texts = [sent["blocks"][0]["text"], *sent["blocks"][1]["elements"]]
    assert all(text["verbatim"] for text in texts)


def test_teams_gets_a_card_that_shows_words_as_they_are():
    """Markdown is read in a TextBlock only, and there is none."""
    card = json.loads(body(Form.TEAMS, said()))["attachments"][0]["content"]
    assert {one["type"] for one in card["body"]} == {"RichTextBlock"}
    assert card["actions"][0]["url"] == "https://github.com/x"
    assert "\x1b" not in json.dumps(card)


@pytest.mark.parametrize("outcome", Outcome)
def test_quiet_is_about_success_alone(outcome):
    """What went wrong is always told."""
    assert wanted(NotifyConfig(quiet=True), outcome) is (outcome is not Outcome.DEPLOYED)
    assert wanted(NotifyConfig(), outcome)

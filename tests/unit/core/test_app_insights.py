"""What Application Insights is sent: the shapes of Microsoft's own exporter, and where its connection string points."""

import json
from pathlib import Path

import pytest

from lockgate.core.app_insights import ConnectionString, envelopes
from lockgate.core.trace import Span

KEY = "00000000-0000-0000-0000-000000000001"
RECORDED = Path(__file__).parents[2] / "fixtures" / "app_insights" / "exporter.json"
TRACE, ROOT, START = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331", 1764350000123456789
ABOUT = {"lockgate.rollout": "r1", "lockgate.environment": "production", "service.version": "1.1"}


def spans():
    """The spans that Microsoft's exporter was given for the recording."""
    return [
        Span("shift", TRACE, "00f067aa0ba902b7", ROOT, START, START + 1_500_000_000, True, "", ABOUT),
        Span("analyse bake", TRACE, "00f067aa0ba902b8", ROOT, START, START + 90_061_000_000_000, False, "5 bad", ABOUT),
        Span("rollout production", TRACE, ROOT, "", START, START + 3_000_000_000, True, "", ABOUT),
    ]


def test_the_items_are_those_of_microsofts_exporter():
    """Field by field; beyond them only our own properties, and a time within a microsecond: it rounds, we cut off."""
    recorded = json.loads(RECORDED.read_text())["items"]
    for theirs, ours in zip(recorded, envelopes(spans(), KEY, "shop"), strict=True):
        assert abs(int(theirs.pop("time")[-7:-1]) - int(ours.pop("time")[-7:-1])) <= 1
        assert ours["tags"].pop("ai.internal.sdkVersion") == "lockgate"
        mine, other = (one["data"]["baseData"].pop("properties") for one in (ours, theirs))
        assert other.items() <= mine.items()
        assert set(mine) - set(other) <= {"lockgate.service", "message"}
        assert ours == theirs


@pytest.mark.parametrize(
    ("text", "endpoint"),
    [
        (f"InstrumentationKey={KEY}", "https://dc.services.visualstudio.com"),
        (f"InstrumentationKey={KEY};IngestionEndpoint=https://westeurope-5.in.applicationinsights.azure.com/;LiveEndpoint=https://x/", "https://westeurope-5.in.applicationinsights.azure.com"),
        (f" ingestionendpoint = https://own.example:8443 ; INSTRUMENTATIONKEY = {KEY} ;", "https://own.example:8443"),
        (f"InstrumentationKey={KEY};EndpointSuffix=applicationinsights.us;Location=usgov", "https://usgov.dc.applicationinsights.us"),
    ],
)  # fmt: skip
def test_a_connection_string_says_where(text, endpoint):
    """In any case and order; an endpoint of its own, a suffix, or the public one."""
    assert ConnectionString.parse(text) == ConnectionString(endpoint, KEY)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "InstrumentationKey"),
        ("InstrumentationKey=secret-thing", "InstrumentationKey"),
        (f"InstrumentationKey={KEY};IngestionEndpoint=http://plain.example/", "https"),
        (f"InstrumentationKey={KEY};IngestionEndpoint=https://a@b/", "https"),
    ],
)
def test_one_that_cannot_be_used_is_not_shown(text, told):
    """It says what is missing, and not what is there."""
    with pytest.raises(ValueError, match=told) as caught:
        ConnectionString.parse(text)
    assert KEY not in str(caught.value)
    assert "secret-thing" not in str(caught.value)

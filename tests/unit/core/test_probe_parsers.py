"""What servers send is read without harm: metrics, Socket.IO packets, compressed bodies."""

import contextlib
import gzip
import json
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockgate.core.engineio import fault_of_connect, fault_of_open, session_of
from lockgate.core.inflate import inflated
from lockgate.core.metric import Comparison, NoDataError, query_for, values

JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["status", "data", "resultType", "result", "value", "sid", "pingInterval", "pingTimeout"]), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


def answer(kind, result):
    return json.dumps({"status": "success", "data": {"resultType": kind, "result": result}}).encode()


def test_the_values_of_a_scalar_and_of_a_vector():
    """NaN among others is left out; alone it is no data."""
    assert values(answer("scalar", [1, "2.5"])) == [2.5]
    assert values(answer("vector", [{"value": [1, "1e3"]}, {"value": [1, "NaN"]}, {"value": [1, "-Inf"]}])) == [
        1000.0,
        float("-inf"),
    ]
    for none in (
        answer("scalar", [1, "NaN"]),
        answer("vector", []),
        answer("matrix", []),
        answer("vector", [{}]),
        answer("scalar", [1, "x"]),
    ):
        with pytest.raises(NoDataError):
            values(none)


@given(st.binary(max_size=60) | JSON.map(lambda one: json.dumps(one).encode()))
def test_no_answer_breaks_the_reader_of_metrics(body):
    """Numbers, or NoDataError."""
    with contextlib.suppress(NoDataError):
        assert values(body)


@given(st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), st.decimals(-1000, 1000, places=3), st.floats(-1000, 1000))
def test_a_comparison_means_what_it_says(operator, bound, value):
    """As in Python."""
    assert Comparison.parse(f"{operator} {bound}").holds(value) == eval(f"{value!r} {operator} {float(bound)!r}")  # noqa: S307 - the oracle


@given(st.text(max_size=20))
def test_no_version_leaves_its_string(version):
    """It is put in as it is, or not at all."""
    try:
        query = query_for('up{v="$version"}', version)
    except NoDataError:
        return
    assert query == f'up{{v="{version}"}}'
    assert not set(version) & set("\"\\'\n{}")


@given(
    st.text(max_size=60) | JSON.map(lambda one: "0" + json.dumps(one)) | JSON.map(lambda one: "40" + json.dumps(one))
)
def test_no_packet_breaks_the_reader_of_socketio(text):
    """A fault in words, or a session."""
    if fault_of_open(text) == "":
        assert session_of(text)
    assert isinstance(fault_of_connect(text), str)


@given(st.binary(max_size=5000), st.integers(1, 6000), st.sampled_from(["gzip", "deflate", "raw", ""]))
def test_what_was_packed_is_unpacked_no_further_than_wanted(body, limit, how):
    """Also of a body that was cut off: what is there is given."""
    raw = zlib.compressobj(wbits=-15)
    packed = {
        "gzip": gzip.compress(body),
        "deflate": zlib.compress(body),
        "raw": raw.compress(body) + raw.flush(),
        "": body,
    }[how]
    encoding = "deflate" if how == "raw" else how
    assert inflated(packed, encoding, limit) == body[:limit]
    assert body.startswith(inflated(packed[: len(packed) // 2 + 2], encoding, 6000))


@given(st.binary(max_size=200), st.sampled_from(["gzip", "deflate", "br", "gzip, gzip", "\x00"]))
def test_no_body_breaks_the_unpacking(body, encoding):
    """Bytes, or ValueError."""
    with contextlib.suppress(ValueError):
        assert len(inflated(body, encoding, 100)) <= 100

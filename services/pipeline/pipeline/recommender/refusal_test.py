"""Bad input is told what is wrong, and is never an internal error."""

from __future__ import annotations

import json
import string
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.recommender.conftest import GOOD_PLAY, ORDER, assert_problem, play


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/songs/xyz", 400, "Parameter 'hash' must be an MD5"),
        ("/songs/" + "A" * 32, 400, "Parameter 'hash'"),
        ("/songs/" + "a" * 33, 400, "Parameter 'hash'"),
        ("/songs/" + "0" * 32, 404, "There is no song with hash 000"),
        ("/songs/" + "0" * 32 + "/similar", 404, "There is no song"),
        ("/songs/%00/similar", 400, "Parameter 'hash'"),
        ("/songs/%ff", 400, "Parameter 'hash'"),
        ("/songs?limit=0", 400, "a whole number from 1 to 500: current value is '0'"),
        ("/songs?limit=501", 400, "from 1 to 500"),
        ("/songs?limit=ten", 400, "from 1 to 500"),
        ("/songs?limit=%D9%A1", 400, "from 1 to 500"),
        ("/songs?limit=", 400, "from 1 to 500"),
        ("/songs?limit=5&limit=6", 400, "given more than once"),
        ("/songs?offset=5", 400, "Unknown parameter 'offset'; allowed are instruments, match, limit, cursor"),
        ("/songs?cursor=", 400, "Parameter 'cursor' must be the 'next' of an earlier answer"),
        ("/songs?cursor=%00", 400, "Parameter 'cursor'"),
        ("/songs?cursor=" + "A" * 4000, 400, "Parameter 'cursor'"),
        ("/songs?cursor=MDpmZg", 400, "Parameter 'cursor'"),
        ("/songs?instruments=", 400, "Parameter 'instruments' must be codes from 0 to 128"),
        ("/songs?instruments=129", 400, "Parameter 'instruments'"),
        ("/songs?instruments=-1", 400, "Parameter 'instruments'"),
        ("/songs?instruments=1,,2", 400, "Parameter 'instruments'"),
        ("/songs?instruments=1;DROP TABLE songs", 400, "Parameter 'instruments'"),
        ("/songs?instruments=" + ",".join(["1"] * 33), 400, "at most 32 codes: it has 33"),
        ("/songs?instruments=1&match=some", 400, "Parameter 'match' must be 'all' or 'any'"),
        ("/songs?match=all", 400, "Parameter 'match' needs 'instruments'"),
        ("/songs/" + ORDER[0] + "?limit=1", 400, "Unknown parameter 'limit'; none is allowed"),
        ("/songs/" + ORDER[0] + "/similar?cursor=bmFuOjAw", 400, "Parameter 'cursor'"),
        ("/instruments?limit=1", 400, "Unknown parameter 'limit'"),
        ("/nowhere", 404, ""),
        ("/plays", 405, ""),
    ],
)
def test_bad_requests_are_told_what_is_wrong(client: FlaskClient, path: str, status: int, words: str):
    assert_problem(client.get(path), status, words)


@pytest.mark.parametrize(
    ("key", "body", "status", "words"),
    [
        (None, GOOD_PLAY, 400, "Header 'Idempotency-Key' must be"),
        ("", GOOD_PLAY, 400, "Header 'Idempotency-Key' must be"),
        ("x" * 129, GOOD_PLAY, 400, "1 to 128 visible ASCII characters"),
        ("caf\xe9", GOOD_PLAY, 400, "Header 'Idempotency-Key' must be"),
        ("k", [], 422, "must be a JSON object"),
        ("k", None, 422, "must be a JSON object"),
        ("k", {}, 422, "Member 'song' must be an MD5"),
        ("k", {"song": 5}, 422, "Member 'song'"),
        ("k", {"song": ORDER[0] + "\n"}, 422, "Member 'song'"),
        ("k", {"song": "0" * 32}, 422, "There is no song with hash 000"),
        ("k", {**GOOD_PLAY, "rating": 5}, 422, "Unknown member 'rating'"),
        ("k", {**GOOD_PLAY, "listenedAt": "yesterday"}, 422, "Member 'listenedAt' must be an RFC 3339 time"),
        ("k", {**GOOD_PLAY, "listenedAt": "2026-01-01T00:00:00"}, 422, "with a zone"),
        ("k", {**GOOD_PLAY, "listenedAt": "0001-01-01T00:00:00+23:00"}, 422, "Member 'listenedAt'"),
        ("k", {**GOOD_PLAY, "listenedAt": 1_700_000_000}, 422, "Member 'listenedAt'"),
    ],
)
def test_bad_plays_are_told_what_is_wrong(client: FlaskClient, key: str | None, body: object, status: int, words: str):
    assert_problem(play(client, key, body), status, words)


def test_bodies_that_are_not_json_or_too_long_are_refused(client: FlaskClient):
    headers = {"Idempotency-Key": "k"}
    post = lambda data, kind: client.post("/plays", data=data, headers={**headers, "Content-Type": kind})  # noqa: E731
    for data in (b"", b"{", b"\xff", b'{"song": NaN}', b"[" * 10_000, b"9" * 5_000):
        assert_problem(post(data, "application/json"), 400, "not valid JSON")
    assert_problem(post(b"{}", "text/plain"), 415, "must be application/json")
    assert_problem(client.post("/plays", data=b"{}", headers=headers), 415)
    assert_problem(post(b" " * 17_000, "application/json"), 413)
    assert_problem(client.delete("/songs"), 405)
    assert "GET" in client.delete("/songs").headers["Allow"]


TEXT = st.text(max_size=40) | st.text(alphabet=string.printable, max_size=60) | st.sampled_from(ORDER[:3])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT | st.sampled_from(["song", "listenedAt"]), inner),
    max_leaves=12,
)
PARAMETERS = st.sampled_from(["limit", "cursor", "instruments", "match", "x"])


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    path=st.sampled_from(["/songs", f"/songs/{ORDER[0]}", f"/songs/{ORDER[0]}/similar", "/instruments"])
    | TEXT.map(lambda text: "/" + quote(text, safe="/")),
    query=st.dictionaries(PARAMETERS, TEXT | st.sampled_from(["1", "0,1", "any", "all"]), max_size=3),
)
def test_no_query_is_an_internal_error(client: FlaskClient, path: str, query: dict[str, str]):
    answer = client.get(path, query_string=query)
    assert answer.status_code < 500
    if answer.status_code >= 400:
        assert_problem(answer, answer.status_code)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=JSON.map(json.dumps).map(str.encode) | st.binary(max_size=60), key=TEXT, kind=st.sampled_from(["json", "xml"])
)
def test_no_body_is_an_internal_error(client: FlaskClient, body: bytes, key: str, kind: str):
    key = key.encode("latin-1", "replace").decode("latin-1").replace("\r", "").replace("\n", "")
    answer = client.post("/plays", data=body, headers={"Idempotency-Key": key, "Content-Type": f"application/{kind}"})
    assert answer.status_code < 500
    if answer.status_code >= 400:
        assert_problem(answer, answer.status_code)

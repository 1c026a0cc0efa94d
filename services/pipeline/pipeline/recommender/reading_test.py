"""Songs, instruments and likeness, as they are read."""

from __future__ import annotations

import json

import pytest
from flask.testing import FlaskClient

from pipeline.recommender.conftest import ORDER, ROWS, everything, pages
from pipeline.similarity import jaccard_distance


def test_songs_come_in_pages_of_a_fixed_order(client: FlaskClient):
    expected = [{"hash": key, "name": f"song {key[:6]}"} for key in ORDER]
    assert everything(client, "/songs", 99) == expected
    assert everything(client, "/songs", 350) == expected
    assert [len(page) for page in pages(client, "/songs", 500)] == [500, 200]
    assert len(client.get("/songs").get_json()["songs"]) == 50


@pytest.mark.parametrize("wanted", [(0,), (128,), (0, 128), (0, 33, 128), (128, 127), (5, 17), tuple(range(32))])
@pytest.mark.parametrize("match", ["all", "any"])
def test_songs_of_instruments_are_those_that_have_all_or_any(client: FlaskClient, wanted: tuple[int, ...], match: str):
    test = set(wanted).issubset if match == "all" else lambda members: not set(wanted).isdisjoint(members)
    expected = [key for key in ORDER if test(ROWS[key])]
    codes = ",".join(map(str, wanted))
    for limit in (7, 500):
        found = everything(client, f"/songs?instruments={codes}&match={match}", limit)
        assert [song["hash"] for song in found] == expected


def test_songs_match_all_unless_told(client: FlaskClient):
    assert client.get("/songs?instruments=0,128").data == client.get("/songs?instruments=128,0,0&match=all").data


@pytest.mark.parametrize("query", ["", "?instruments=0,128&match=any", "?instruments=127,126,125"])
def test_songs_stream_whole_as_lines(client: FlaskClient, query: str):
    answer = client.get(f"/songs{query}", headers={"Accept": "application/x-ndjson"})
    assert answer.content_type == "application/x-ndjson"
    lines = [json.loads(line) for line in answer.data.splitlines()]
    assert lines == everything(client, f"/songs{query}", 500)


def test_song_tells_its_instruments(client: FlaskClient):
    for key in ORDER[:40]:
        body = client.get(f"/songs/{key}").get_json()
        assert (body["hash"], body["name"]) == (key, f"song {key[:6]}")
        assert [instrument["code"] for instrument in body["instruments"]] == list(ROWS[key])
        assert all(set(instrument) == {"code", "name", "family"} for instrument in body["instruments"])


def test_similar_songs_come_nearest_first(client: FlaskClient):
    seen = 0
    for key in ORDER[:150]:
        large = len(ROWS[key]) >= 3
        expected = sorted(
            (jaccard_distance(ROWS[key], members), other)
            for other, members in ROWS.items()
            if large and other != key and len(members) >= 3 and jaccard_distance(ROWS[key], members) < 0.5
        )
        for limit in (2, 100):
            found = everything(client, f"/songs/{key}/similar", limit)
            assert [(song["distance"], song["hash"]) for song in found] == expected
        seen += len(expected)
    assert seen > 20


def test_instruments_are_all_129(client: FlaskClient):
    rows = client.get("/instruments").get_json()["instruments"]
    assert [row["code"] for row in rows] == list(range(129))
    assert rows[128] == {
        "code": 128,
        "name": "Percussion",
        "family": "Percussion",
        "songs": sum(128 in members for members in ROWS.values()),
    }

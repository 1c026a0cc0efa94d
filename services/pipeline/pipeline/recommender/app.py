"""Routes: parse, ask the database, answer. Errors are problem details (RFC 9457), never a stack trace."""

import json
import logging
import os
from collections.abc import Iterator
from datetime import datetime

import psycopg
from flask import Flask, Request, Response, request
from prometheus_client.exposition import choose_encoder
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from pipeline.database import DatabaseSettings
from pipeline.recommender import parameters, queries
from pipeline.recommender.connections import Database, DatabaseUnavailable
from pipeline.recommender.metrics import Batches, Metrics, signals
from pipeline.recommender.observation import observe, report
from pipeline.recommender.problem import Problem
from pipeline.telemetry import Telemetry, start_telemetry

BODY_LIMIT_BYTES = 16 * 1024
RETRY_AFTER_SECONDS = 1
NDJSON = "application/x-ndjson"

log = logging.getLogger("recommender")


def create_app(database_settings: DatabaseSettings | None = None, telemetry: Telemetry | None = None) -> Flask:
    """:param telemetry: default: what the environment asks for. gunicorn stops it when the worker ends"""
    telemetry = telemetry or start_telemetry(os.environ, service="recommender")
    definitions = signals()
    metrics = Metrics(definitions)
    database = Database(
        database_settings or DatabaseSettings.from_environment(os.environ, user="recommender"),
        metrics.count_database_error,
        statement_names=queries.NAMES,
        preferred_host=os.environ.get("DATABASE_PREFERRED_HOST"),
    )
    metrics.registry.register(Batches(definitions, lambda: database.read(batches)))
    app = Flask("pipeline.recommender", static_folder=None)
    # One more than allowed: a body without a length is cut there, and by its size known to have been cut.
    app.config["MAX_CONTENT_LENGTH"] = BODY_LIMIT_BYTES + 1
    app.url_map.strict_slashes = False
    app.extensions["telemetry"] = telemetry
    observe(app, metrics, telemetry, database.happenings)
    answer_errors(app)
    add_catalogue(app, database)
    add_plays(app, database)
    add_probes(app, database, metrics)
    return app


def add_catalogue(app: Flask, database: Database) -> None:
    @app.get("/songs")
    def songs() -> Response:
        search = parameters.song_search(request.args)
        if NDJSON in request.accept_mimetypes.values() and not search.limit_given:
            return Response(song_lines(database, search), content_type=NDJSON)
        rows = database.read(lambda connection: queries.songs(connection, search))
        following = parameters.encoded(rows[-1]["hash"]) if len(rows) == search.limit else None
        return answer({"songs": rows, "next": following})

    @app.get("/songs/<song_hash>")
    def song(song_hash: str) -> Response:
        parameters.known(request.args, ())
        wanted = parameters.song_hash(song_hash)
        found = database.read(lambda connection: queries.song(connection, wanted))
        if found is None:
            raise unknown_song(wanted, 404)
        return answer(found)

    @app.get("/songs/<song_hash>/similar")
    def similar(song_hash: str) -> Response:
        wanted = parameters.song_hash(song_hash)
        page = parameters.neighbour_page(request.args)
        rows = database.read(lambda connection: queries.similar(connection, wanted, page))
        if rows is None:
            raise unknown_song(wanted, 404)
        last = rows[-1] if len(rows) == page.limit else None
        following = parameters.encoded(f"{last['distance']:.17g}:{last['hash']}") if last else None
        return answer({"songs": rows, "next": following})

    @app.get("/instruments")
    def instruments() -> Response:
        parameters.known(request.args, ())
        rows = database.read(queries.instruments)
        return answer(
            {
                "instruments": [
                    {"code": row["code"], "name": row["name"], "family": row["family"], "songs": row["song_count"]}
                    for row in rows
                ]
            }
        )


def add_plays(app: Flask, database: Database) -> None:
    @app.post("/plays")
    def plays() -> Response:
        parameters.known(request.args, ())
        play = parameters.play(request.headers, json_body(request))
        try:
            row, made = database.write(lambda connection: queries.record_play(connection, play))
        except psycopg.errors.ForeignKeyViolation as error:
            raise unknown_song(play.song, 422) from error
        same_time = row["listened_at_given"] == (play.listened_at is not None) and (
            play.listened_at is None or play.listened_at == row["listened_at"]
        )
        if row["song"] != play.song or not same_time:
            raise Problem(409, "This Idempotency-Key was used before with another body")
        body = {
            "id": row["id"],
            "song": row["song"],
            "listenedAt": moment(row["listened_at"]),
            "recordedAt": moment(row["recorded_at"]),
        }
        return answer(body, 201 if made else 200)


def add_probes(app: Flask, database: Database, metrics: Metrics) -> None:
    @app.get("/healthz")
    def alive() -> Response:
        return answer({"status": "alive"})

    @app.get("/readyz")
    def ready() -> Response:
        # Not in turn: a crowd of readers must not make every pod unready one after the other.
        database.read(
            lambda connection: connection.execute("SELECT 1 FROM instruments LIMIT 1").fetchone(), in_turn=False
        )
        return answer({"status": "ready"})

    @app.get("/metrics")
    def exposition() -> Response:
        # OpenMetrics for who asks for it: only that has room for exemplars.
        written, content_type = choose_encoder(request.headers.get("Accept", ""))
        return Response(written(metrics.registry), content_type=content_type)


def answer_errors(app: Flask) -> None:
    @app.errorhandler(Problem)
    def problem(error: Problem) -> Response:
        return error.response()

    @app.errorhandler(DatabaseUnavailable)
    def unavailable(error: DatabaseUnavailable) -> Response:
        log.warning("%s", error)
        report(error)
        headers = {"Retry-After": str(RETRY_AFTER_SECONDS)}
        return Problem(503, "The database does not answer right now; try again", headers).response()

    @app.errorhandler(HTTPException)
    def http_error(error: HTTPException) -> Response:
        headers = {name: value for name, value in error.get_headers() if name in ("Allow", "Retry-After")}
        return Problem(error.code or 500, error.description or error.name, headers).response()

    @app.errorhandler(Exception)
    def unexpected(error: Exception) -> Response:
        log.error("unexpected error in %s %s", request.method, request.path, exc_info=error)
        report(error)
        return Problem(500, "Something went wrong here; it was logged").response()


def json_body(incoming: Request) -> object:
    if incoming.mimetype != "application/json":
        raise Problem(415, "The body must be application/json", {"Accept": "application/json"})
    body = incoming.get_data(cache=False)
    if len(body) > BODY_LIMIT_BYTES:
        raise RequestEntityTooLarge
    try:
        return json.loads(body.decode("utf-8"), parse_constant=refuse_constant)
    except (ValueError, RecursionError) as error:
        raise Problem(400, "The body is not valid JSON") from error


def refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")


def song_lines(database: Database, search: parameters.SongSearch) -> Iterator[bytes]:
    """
    Every song of a search as lines of JSON, a page in memory at a time. Each page is a read of its own: a slow client
    holds no connection, and a member that dies in between costs one more try. The first page is read before the answer
    begins, so that a database that does not answer is still told by a status.
    """

    def read(page: parameters.SongSearch) -> list[dict[str, str]]:
        return database.read(lambda connection: queries.songs(connection, page))

    def lines() -> Iterator[bytes]:
        rows = first
        while rows:
            yield "".join(json.dumps(row) + "\n" for row in rows).encode()
            if len(rows) < parameters.PAGE_LIMIT:
                return
            try:
                rows = read(search.page(parameters.PAGE_LIMIT, after=rows[-1]["hash"]))
            except Exception as error:
                # The status was sent long ago: the answer breaks off, and only the event tells why.
                report(error)
                raise

    first = read(search.page(parameters.PAGE_LIMIT, after=search.after))
    return lines()


def batches(connection: psycopg.Connection) -> dict | None:
    return connection.execute(queries.BATCHES).fetchone()


def unknown_song(song_hash: str, status: int) -> Problem:
    return Problem(status, f"There is no song with hash {song_hash}")


def moment(value: datetime) -> str:
    return value.isoformat().replace("+00:00", "Z")


def answer(body: object, status: int = 200) -> Response:
    return Response(json.dumps(body), status=status, content_type="application/json")

"""
What tests share: a real PostgreSQL 15 on a port of its own, a migrated database per test, Spark in local mode, a store
that takes spans and error events.
"""

from __future__ import annotations

import gzip
import json
import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from pipeline.database import DatabaseSettings, connect
from pipeline.migrate import DEFAULT_MIGRATIONS, migrate, read_migrations, set_password
from pipeline.telemetry import Telemetry, start_telemetry

PACKAGE_FOLDER = Path(__file__).resolve().parents[1]
QUICK_JAVA = '--driver-java-options "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"'
"""Never reaches the code that the second compiler and a concurrent collector pay off in, as in the image."""
_BINARIES = Path("/usr/lib/postgresql/15/bin")
_PASSWORD = "only-for-tests"


class Postgres:
    """A running server and how to reach it as superuser."""

    def __init__(self, port: int, password_file: Path) -> None:
        self.port = port
        self.password_file = password_file

    def connect(self, database: str = "postgres") -> psycopg.Connection:
        return psycopg.connect(
            host="127.0.0.1", port=self.port, dbname=database, user="postgres", password=_PASSWORD, autocommit=True
        )

    def settings(self, database: str, user: str) -> DatabaseSettings:
        return DatabaseSettings(
            hosts=(("127.0.0.1", self.port),), name=database, user=user, password_file=self.password_file
        )

    def environment(self, database: str, user: str) -> dict[str, str]:
        return {
            "DATABASE_HOSTS": f"127.0.0.1:{self.port}",
            "DATABASE_NAME": database,
            "DATABASE_USER": user,
            "DATABASE_PASSWORD_FILE": str(self.password_file),
        }

    def create(self) -> str:
        """Name of a new, empty database. It belongs to a role without a superuser's rights, as in the cluster."""
        name = f"test_{uuid4().hex[:12]}"
        with self.connect() as connection:
            connection.execute(sql.SQL("CREATE DATABASE {} OWNER owner").format(sql.Identifier(name)))
        return name

    def create_migrated(self) -> str:
        """Name of a new database with the newest schema."""
        name = self.create()
        with connect(self.settings(name, "owner"), session="read-write", application="test") as connection:
            migrate(connection, read_migrations(DEFAULT_MIGRATIONS))
            for role in ("recommender", "ingest"):
                set_password(connection, role, _PASSWORD)
        return name


def _postgres_binaries() -> Path:
    if (_BINARIES / "initdb").exists():
        return _BINARIES
    found = shutil.which("initdb")
    if found is None:
        pytest.exit("Cannot find PostgreSQL: no initdb in /usr/lib/postgresql/15/bin or PATH; install postgresql-15", 4)
    return Path(found).parent


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _other_user() -> dict[str, object]:
    """Postgres refuses to run as root: then it runs as Debian's postgres."""
    if os.getuid() != 0:
        return {}
    entry = pwd.getpwnam("postgres")
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


@contextmanager
def running_postgres() -> Iterator[Postgres]:
    binaries, user = _postgres_binaries(), _other_user()
    # Not below pytest's own folder, which only its owner may enter.
    with tempfile.TemporaryDirectory(prefix="divergence-postgres-") as folder:
        data, password_file = Path(folder, "data"), Path(folder, "password")
        password_file.write_text(_PASSWORD + "\n")
        if user:
            shutil.chown(folder, user["user"], user["group"])
            shutil.chown(password_file, user["user"], user["group"])
        subprocess.run(
            [
                *(binaries / "initdb", "--pgdata", data, "--username=postgres", "--pwfile", password_file, "--no-sync"),
                *("--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8", "--no-instructions"),
            ],
            check=True,
            stdout=subprocess.DEVNULL,
            cwd="/",
            **user,
        )
        port = free_port()
        options = {
            "port": port,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": folder,
            "fsync": "off",
            "full_page_writes": "off",
            "synchronous_commit": "on",
            "log_min_messages": "panic",
            "max_connections": 60,
        }
        arguments = [part for key, value in options.items() for part in ("-c", f"{key}={value}")]
        server = subprocess.Popen(
            [binaries / "postgres", "-D", data, *arguments], stderr=subprocess.DEVNULL, cwd="/", **user
        )
        try:
            running = Postgres(port, password_file)
            _wait_until_up(running, server)
            with running.connect() as connection:
                connection.execute("CREATE ROLE owner LOGIN CREATEROLE")
                set_password(connection, "owner", _PASSWORD)
            yield running
        finally:
            server.send_signal(3)  # SIGQUIT: stop at once
            server.wait(timeout=20)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    with running_postgres() as running:
        yield running


def _wait_until_up(postgres: Postgres, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            postgres.connect().close()
            return
        except psycopg.OperationalError:
            if server.poll() is not None or time.monotonic() > deadline:
                raise
            time.sleep(0.05)


@pytest.fixture
def database(postgres: Postgres) -> str:
    """Name of a freshly migrated database."""
    return postgres.create_migrated()


@pytest.fixture(scope="session")
def spark():
    os.environ["PYSPARK_SUBMIT_ARGS"] = f"--master local[1] {QUICK_JAVA} pyspark-shell"
    # Executors import the package from where the tests found it.
    os.environ["PYTHONPATH"] = str(PACKAGE_FOLDER)
    os.environ["PYSPARK_PYTHON"] = sys.executable
    from pipeline.spark import start_spark  # noqa: PLC0415 - tests without Spark do without Java

    context = start_spark()
    yield context
    context.stop()


class Collector:
    """Takes Zipkin's JSON and Sentry's envelopes on a port of its own."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.spans: list[dict[str, Any]] = []
        self.events: list[dict[str, Any]] = []
        self.paths: list[str] = []
        self.bodies: list[str] = []

    def environment(self) -> dict[str, str]:
        return {
            "OTEL_TRACES_EXPORTER": "zipkin",
            "OTEL_EXPORTER_ZIPKIN_ENDPOINT": f"http://127.0.0.1:{self.port}/api/v2/spans",
            "OTEL_BSP_SCHEDULE_DELAY": "50",
            "SENTRY_DSN": f"http://publickey@127.0.0.1:{self.port}/1",
        }

    def take(self, path: str, body: str) -> None:
        self.paths.append(path)
        self.bodies.append(body)
        if path == "/api/v2/spans":
            self.spans += json.loads(body)
        if path != "/api/1/envelope/":
            return
        _, *rest = (json.loads(line) for line in body.splitlines())
        self.events += [
            payload for header, payload in zip(rest[::2], rest[1::2], strict=True) if header["type"] == "event"
        ]

    def span(self, name: str) -> dict[str, Any]:
        found = [span for span in self.spans if span["name"] == name]
        assert len(found) == 1, (name, [span["name"] for span in self.spans])
        return found[0]

    def wait(self, condition: Callable[[], object], seconds: float = 10) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, ([span["name"] for span in self.spans], self.events)
            time.sleep(0.02)


@contextmanager
def running_collector() -> Iterator[Collector]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            collector.take(self.path, body.decode(errors="replace"))
            self.send_response(202)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    collector = Collector(server.server_port)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield collector
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def collector() -> Iterator[Collector]:
    with running_collector() as running:
        yield running


@pytest.fixture
def telemetry(collector: Collector, monkeypatch: pytest.MonkeyPatch) -> Iterator[Telemetry]:
    """Sends all to the collector, as soon as it is asked to stop or a moment later."""
    environment = {**collector.environment(), "GROUP": "experiment", "NODE_NAME": "experiment-a"}
    for key, value in environment.items():
        monkeypatch.setenv(key, value)
    started = start_telemetry(environment, service="recommender")
    yield started
    started.stop()

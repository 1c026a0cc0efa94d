"""The service as it runs in a pod: gunicorn, its own process, real sockets."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest

from pipeline.conftest import PACKAGE_FOLDER, Collector, Postgres, free_port


class Service:
    def __init__(self, port: int, process: subprocess.Popen[bytes]) -> None:
        self.port = port
        self.process = process

    def get(self, path: str) -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request("GET", path)
        return connection.getresponse()


@pytest.fixture
def service(postgres: Postgres, database: str, collector: Collector) -> Iterator[Service]:
    port = free_port()
    environment = {
        **os.environ,
        **postgres.environment(database, "recommender"),
        **collector.environment(),
        # Longer than any test: what is sent is sent on the way out.
        "OTEL_BSP_SCHEDULE_DELAY": "600000",
        "RECOMMENDER_PORT": str(port),
        "PYTHONPATH": str(PACKAGE_FOLDER),
    }
    command = ["-m", "gunicorn", "-c", "python:pipeline.recommender.gunicorn_conf", "pipeline.recommender:create_app()"]
    process = subprocess.Popen([sys.executable, *command], env=environment, stderr=subprocess.PIPE)
    try:
        running = Service(port, process)
        deadline = time.monotonic() + 30
        while True:
            try:
                assert running.get("/readyz").status == 200
                break
            except ConnectionRefusedError:
                assert process.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.05)
        yield running
    finally:
        process.terminate()
        process.communicate(timeout=20)


def test_a_body_without_a_length_is_limited_too(service: Service):
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=10)
    headers = {"Content-Type": "application/json", "Idempotency-Key": "k"}
    connection.request("POST", "/plays", body=(b" " * 4096 for _ in range(8)), headers=headers, encode_chunked=True)
    answer = connection.getresponse()
    assert (answer.status, answer.getheader("Content-Type")) == (413, "application/problem+json")


def test_a_request_in_flight_is_answered_before_the_service_ends(service: Service, postgres: Postgres, database: str):
    answers: list[tuple[int, bytes]] = []

    def ask() -> None:
        answer = service.get("/instruments")
        answers.append((answer.status, answer.read()))

    with postgres.connect(database) as blocker, blocker.transaction():
        blocker.execute("LOCK TABLE instruments IN ACCESS EXCLUSIVE MODE")
        thread = threading.Thread(target=ask)
        thread.start()
        deadline = time.monotonic() + 5
        waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'instruments'::regclass"
        while blocker.execute(waiting).fetchone() == (0,):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        service.process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
    thread.join(timeout=10)
    assert answers[0][0] == 200
    assert len(answers[0][1]) > 5_000
    assert service.process.wait(timeout=10) == 0
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", service.port), timeout=1)


def test_what_is_left_of_traces_is_sent_before_the_service_ends(service: Service, collector: Collector):
    assert service.get("/instruments").status == 200
    assert collector.spans == []
    service.process.send_signal(signal.SIGTERM)
    assert service.process.wait(timeout=10) == 0
    assert collector.span("GET /instruments")["localEndpoint"] == {"serviceName": "recommender"}
    assert collector.span("SQL instruments")

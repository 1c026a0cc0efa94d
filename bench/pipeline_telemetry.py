"""The recommender without telemetry, and with more and more of it, side by side.

Each way is a gunicorn of its own, as in the image, on one database. One client sends each of them the same block of
requests in turn, many rounds, so that whatever else the machine does meets all of them. What counts is the processor
time of the service for a request, user and system, from /proc: requests a second say more about the machine's other
work. The client decides what is traced, as the gateway does. Ratios are medians over the rounds, each against the round
of the plain one beside it.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.conftest import free_port, running_collector, running_postgres
from pipeline.recommender.conftest import ORDER, fill

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7"
ROUTES = [path for key in ORDER[:20] for path in (f"/songs/{key}", f"/songs/{key}/similar?limit=10")]
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Way:
    """One way to run the service."""

    name: str
    environment: dict[str, str]
    kept_share: float
    """Share of the requests whose trace the client keeps; in [0, 1]."""
    port: int = 0
    worker: int = 0
    cpu_seconds: list[float] = field(default_factory=list)
    wall_seconds: list[float] = field(default_factory=list)

    def headers(self, number: int) -> dict[str, str]:
        kept = int((number + 1) * self.kept_share) > int(number * self.kept_share)
        return {"traceparent": f"{TRACE}-{'01' if kept else '00'}"}


@contextmanager
def running(way: Way, database: dict[str, str]) -> Iterator[None]:
    way.port = free_port()
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("OTEL_", "SENTRY_"))}
    environment |= {**database, **way.environment, "RECOMMENDER_PORT": str(way.port), "GROUP": "bench"}
    command = ["-m", "gunicorn", "-c", "python:pipeline.recommender.gunicorn_conf", "pipeline.recommender:create_app()"]
    process = subprocess.Popen([sys.executable, *command], env=environment, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 60
        while not answers(way.port):
            if process.poll() is not None or time.monotonic() > deadline:
                sys.exit(f"Cannot measure '{way.name}': the service does not start")
            time.sleep(0.1)
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        way.worker = int(children[0])
        yield
    finally:
        process.terminate()
        process.wait(timeout=30)


def answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except ConnectionRefusedError:
        return False
    finally:
        connection.close()


def cpu_seconds(process: int) -> float:
    # The name of the program, in brackets, may hold spaces.
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


class DisturbedError(Exception):
    """The machine was too busy for the database to answer: the service then does other work than what is compared."""


def block(way: Way, requests: int) -> tuple[float, float]:
    """Processor and wall seconds of one request."""
    connection = http.client.HTTPConnection("127.0.0.1", way.port, timeout=10)
    before, began = cpu_seconds(way.worker), time.perf_counter()
    for number in range(requests):
        connection.request("GET", ROUTES[number % len(ROUTES)], headers=way.headers(number))
        answer = connection.getresponse()
        answer.read()
        if answer.status != 200:
            raise DisturbedError
    wall = (time.perf_counter() - began) / requests
    connection.close()
    return (cpu_seconds(way.worker) - before) / requests, wall


def rounds(ways: list[Way], count: int, requests: int, seconds: float) -> int:
    """Measures; returns how many rounds were thrown away."""
    enough_at, disturbed, done = time.monotonic() + seconds, 0, 0
    while done < count and time.monotonic() < enough_at:
        # Each goes first in turn.
        first = done % len(ways)
        try:
            measured = [(way, block(way, requests)) for way in (*ways[first:], *ways[:first])]
        except DisturbedError:
            disturbed += 1
            continue
        done += 1
        for way, (cpu, wall) in measured:
            way.cpu_seconds.append(cpu)
            way.wall_seconds.append(wall)
    return disturbed


def report(way: Way, plain: Way) -> dict[str, object]:
    def ratio(own: list[float], other: list[float]) -> float:
        return round(statistics.median(mine / theirs for mine, theirs in zip(own, other, strict=True)), 3)

    return {
        "way": way.name,
        "rounds": len(way.cpu_seconds),
        "cpuMicrosecondsPerRequest": round(statistics.median(way.cpu_seconds) * 1e6),
        "cpuRatio": ratio(way.cpu_seconds, plain.cpu_seconds),
        "millisecondsPerRequest": round(statistics.median(way.wall_seconds) * 1e3, 2),
        "timeRatio": ratio(way.wall_seconds, plain.wall_seconds),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--requests", type=int, default=400, help="in each round, to each way")
    parser.add_argument("--seconds", type=float, default=400, help="begins no further round after that long")
    arguments = parser.parse_args()
    # Ended from outside it still stops what it started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("Cannot measure: told to stop"))
    with ExitStack() as stack:
        collector = stack.enter_context(running_collector())
        postgres = stack.enter_context(running_postgres())
        database = postgres.environment(fill(postgres), "recommender")
        both = {**collector.environment(), "OTEL_BSP_SCHEDULE_DELAY": "5000"}
        traces = {key: value for key, value in both.items() if key.startswith("OTEL_")}
        ways = [
            Way("off", {}, 0.05),
            # The same again: how far apart two equal ways are is how far a ratio can be trusted.
            Way("off, again", {}, 0.05),
            Way("traces on, none kept", traces, 0.0),
            Way("traces and events on, 5 % kept", both, 0.05),
            Way("traces and events on, all kept", both, 1.0),
        ]
        for way in ways:
            stack.enter_context(running(way, database))
        # Connections are made, and code is warm, before anything counts.
        rounds(ways, 1, arguments.requests, arguments.seconds)
        for way in ways:
            way.cpu_seconds.clear()
            way.wall_seconds.clear()
        disturbed = rounds(ways, arguments.rounds, arguments.requests, arguments.seconds)
        if not ways[0].cpu_seconds:
            sys.exit(f"Cannot measure: the database did not answer in time in any of {disturbed} rounds")
        for way in ways:
            print(json.dumps({**report(way, ways[0]), "roundsThrownAway": disturbed}), flush=True)


if __name__ == "__main__":
    main()

"""What a process tells of itself besides metrics: traces and error events, each only where a variable asks for it.

OTEL_TRACES_EXPORTER and SENTRY_DSN unset: nothing is loaded, and nothing is paid.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.error_events import ErrorEvents, start_error_events
from pipeline.tracing import Tracing, start_tracing

STOP_SECONDS = 2.0
"""What is left of a pod's time to stop when the last request was answered."""


@dataclass(frozen=True, slots=True)
class Telemetry:
    tracing: Tracing | None
    events: ErrorEvents | None

    def stop(self, seconds: float = STOP_SECONDS) -> None:
        """Sends what is left. Returns after `seconds` at the latest, whatever the stores do; the rest is lost."""
        # Neither library keeps to a time while it waits for an answer: their threads are left behind.
        threads = [threading.Thread(target=part.stop, daemon=True) for part in (self.tracing, self.events) if part]
        deadline = time.monotonic() + seconds
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))


def start_telemetry(environment: Mapping[str, str], *, service: str) -> Telemetry:
    """:raises MistakeError: when a variable is wrong"""
    return Telemetry(start_tracing(environment, service=service), start_error_events(environment, service=service))

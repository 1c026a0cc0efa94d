"""Error events: what went wrong, where in the code, and what happened before, to whatever speaks Sentry's protocol.

SENTRY_DSN says where they go; without it nothing of sentry-sdk is loaded. Events are made only by those who ask for
one: no hook is put into Flask, logging or threads, and nothing is traced by it; an event carries the ids of
OpenTelemetry's trace. A thread with a bounded queue sends them, and a storm of errors costs a few events a second.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from pipeline.mistake import MistakeError
from pipeline.tracing import zone_of

if TYPE_CHECKING:
    from sentry_sdk import Client
    from sentry_sdk.types import Event, Hint

QUEUE_EVENTS = 30
MAX_BREADCRUMBS = 40
CLOSE_SECONDS = 5.0

_SECRET_KEY = re.compile(r"passw|secret|token|authorization|cookie|credential|api[-_]?key|dsn|verifier", re.IGNORECASE)
_SECRET_TEXT = re.compile(
    # Of `http://KEY@host` and of `scheme://user:password@host` all that stands before the host.
    r"(?P<url>\b[a-z][a-z0-9+.-]{0,30}://)[^\s/@'\"<>]+(?=@)"
    r"|(?P<pair>(?:passw\w*|pwd|secret\w*|token|auth|authorization|cookie|(?:api|access|sentry)[-_]?key|credentials?|dsn)"
    r"[\"']?\s*[=:]\s*(?:(?:bearer|basic|digest|token)\s+)?)(?:\"[^\"]*(?:\"|$)|'[^']*(?:'|$)|[^\s,;&\"'}\])]+)"
    r"|(?P<scheme>\b(?:bearer|basic|digest|token)\s+)[\w.~+/=-]{6,}",
    re.IGNORECASE,
)
REMOVED = "[removed]"


class Breadcrumb(NamedTuple):
    """Something that happened before."""

    at: float
    """Unix time, seconds."""
    category: str
    message: str
    data: Mapping[str, str | int | float | bool]


class Place(NamedTuple):
    """Where in the service an error was met, in few enough words to be told apart by."""

    name: str
    """A route (`GET /songs/:hash`) or a part of a batch."""
    trace_id: str | None
    span_id: str | None
    trace_kept: bool
    """Whether the store of traces has the trace."""


class Allowance:
    """A number of tokens that fills up again: `rate` a second, at most `burst`. Thread-safe."""

    def __init__(self, rate: float, burst: int) -> None:
        self._rate = rate
        self._burst = float(burst)
        self._tokens = float(burst)
        self._at = time.monotonic()
        self._lock = threading.Lock()

    def take(self) -> bool:
        with self._lock:
            now = time.monotonic()
            self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate)
            self._at = now
            if self._tokens < 1:
                return False
            self._tokens -= 1
            return True


class ErrorEvents:
    """Reports errors. Made by `start_error_events`."""

    def __init__(self, client: Client, tags: Mapping[str, str]) -> None:
        self._client = client
        self._tags = tags
        # An event whose trace is kept says most: it has an allowance of its own.
        self._allowances = {False: Allowance(rate=1, burst=10), True: Allowance(rate=4, burst=20)}
        self._left_out = 0

    def report(
        self,
        error: BaseException,
        place: Place,
        breadcrumbs: Iterable[Breadcrumb] = (),
        contexts: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> str | None:
        """Id of the event, or None when it was left out because there are too many."""
        if not self._allowances[place.trace_kept].take():
            self._left_out += 1
            return None
        from sentry_sdk.utils import event_from_exception  # noqa: PLC0415

        event, hint = event_from_exception(error, self._client.options)
        left_out, self._left_out = self._left_out, 0
        event["tags"] = {**self._tags, "route": place.name, "trace_kept": str(place.trace_kept).lower()}
        event["transaction"] = place.name
        event["contexts"] = {key: dict(value) for key, value in (contexts or {}).items()}
        event["contexts"]["reporting"] = {"left_out_before": left_out}
        if place.trace_id is not None:
            span = {"span_id": place.span_id} if place.span_id else {}
            event["contexts"]["trace"] = {"trace_id": place.trace_id, **span}
        newest = sorted(breadcrumbs, key=lambda crumb: crumb.at)[-MAX_BREADCRUMBS:]
        event["breadcrumbs"] = {"values": [_sentry_breadcrumb(crumb) for crumb in newest]}
        return self._client.capture_event(event, hint)

    def stop(self) -> None:
        """Sends what is left, or gives up after `CLOSE_SECONDS`."""
        self._client.close(timeout=CLOSE_SECONDS)


def start_error_events(environment: Mapping[str, str], *, service: str) -> ErrorEvents | None:
    """
    None when SENTRY_DSN is not set; then nothing was loaded.

    :raises MistakeError: when SENTRY_DSN cannot be read
    """
    dsn = (environment.get("SENTRY_DSN") or "").strip()
    if not dsn:
        return None
    from sentry_sdk import Client  # noqa: PLC0415 - who does not report does not pay for it
    from sentry_sdk.utils import BadDsn  # noqa: PLC0415

    try:
        client = Client(
            dsn=dsn,
            release=environment.get("SENTRY_RELEASE") or None,
            environment=environment.get("SENTRY_ENVIRONMENT") or environment.get("GROUP") or None,
            server_name=environment.get("POD_NAME") or None,
            before_send=prepare_event,
            # No hook anywhere, no tracing, no sessions, no requests but those with an event.
            default_integrations=False,
            auto_enabling_integrations=False,
            auto_session_tracking=False,
            propagate_traces=False,
            send_client_reports=False,
            enable_backpressure_handling=False,
            transport_queue_size=QUEUE_EVENTS,
            # Passwords are local variables at times.
            include_local_variables=False,
            in_app_include=["pipeline"],
            spotlight=False,
        )
    except BadDsn as error:
        # Not with the value: it is a key.
        raise MistakeError("Cannot report errors: SENTRY_DSN is malformed; expected http://KEY@HOST/PROJECT") from error
    tags = {
        "group": environment.get("GROUP"),
        "service": environment.get("OTEL_SERVICE_NAME") or service,
        "zone": zone_of(environment),
        "node": environment.get("NODE_NAME"),
    }
    return ErrorEvents(client, {key: value for key, value in tags.items() if value})


def prepare_event(event: Event, _hint: Hint) -> Event:
    """Last station before an event is sent: what tells it apart is set, what nobody may read is removed."""
    errors = event.get("exception", {}).get("values") or [{}]
    event["fingerprint"] = [errors[-1].get("type") or "error", event.get("tags", {}).get("route") or "unknown"]
    for part in ("exception", "breadcrumbs", "contexts", "extra", "request", "logentry", "tags"):
        if part in event:
            event[part] = without_secrets(event[part])
    return event


def without_secrets(value: Any, depth: int = 0) -> Any:  # noqa: ANN401 - any part of an event
    """A copy without values whose name, and texts whose form, says that they are secret."""
    if isinstance(value, str):
        return _SECRET_TEXT.sub(lambda found: f"{found['url'] or found['pair'] or found['scheme']}{REMOVED}", value)
    if depth > 12:
        return REMOVED
    if isinstance(value, Mapping):
        return {
            key: REMOVED if isinstance(key, str) and _SECRET_KEY.search(key) else without_secrets(each, depth + 1)
            for key, each in value.items()
        }
    if isinstance(value, list | tuple):
        return [without_secrets(each, depth + 1) for each in value]
    return value


def _sentry_breadcrumb(crumb: Breadcrumb) -> dict[str, Any]:
    return {
        "timestamp": datetime.fromtimestamp(crumb.at, UTC),
        "category": crumb.category,
        "message": crumb.message,
        "data": dict(crumb.data),
        "level": "info",
        "type": "default",
    }

"""How every part of the pipeline reaches Postgres: one set of variables, one set of socket settings, one way to retry.

The members of the database stand in a list; which of them is the primary is found by asking (`target_session_attrs`),
so a failover needs no change here. The time-outs are those measured to notice a silently dead member in half a second.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, LiteralString, Protocol, TypeVar

import psycopg
from psycopg import errors
from psycopg.abc import Params, PQGen, Query

from pipeline.mistake import MistakeError

log = logging.getLogger(__name__)

Session = Literal["any", "read-write"]
Connection = psycopg.Connection[tuple[Any, ...]]
Cursor = psycopg.Cursor[tuple[Any, ...]]
Result = TypeVar("Result")

# How often a waiting client looks whether it was interrupted; psycopg's own value.
_INTERRUPT_CHECK_SECONDS = 0.1

_SOCKET_SETTINGS = {
    "connect_timeout": 2,
    # Milliseconds that sent data may stay unacknowledged.
    "tcp_user_timeout": 500,
    "keepalives": 1,
    "keepalives_idle": 1,
    "keepalives_interval": 1,
    "keepalives_count": 2,
    "gssencmode": "disable",
}

# What a failover, a restart or a lost network looks like from here; everything else is a mistake of ours.
_PASSING = (
    errors.OperationalError,
    errors.InterfaceError,
    errors.ReadOnlySqlTransaction,
    errors.SerializationFailure,
    errors.DeadlockDetected,
)
_LASTING = (
    errors.InvalidPassword,
    errors.InvalidAuthorizationSpecification,
    errors.InvalidCatalogName,
    errors.DiskFull,
)


@dataclass(frozen=True, slots=True)
class DatabaseSettings:
    hosts: tuple[tuple[str, int], ...]
    """(name, port) of every member."""
    name: str
    user: str
    password_file: Path | None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str], *, user: str) -> DatabaseSettings:
        """:raises MistakeError: when a variable is missing or malformed"""
        default_port = environment.get("DATABASE_PORT") or "5432"
        hosts = [item.strip() for item in (environment.get("DATABASE_HOSTS") or "").split(",") if item.strip()]
        if not hosts:
            raise MistakeError("Cannot find the database: DATABASE_HOSTS is empty; give its members, 'host[:port],...'")
        password_file = environment.get("DATABASE_PASSWORD_FILE")
        return cls(
            hosts=tuple(_host(item, default_port) for item in hosts),
            name=environment.get("DATABASE_NAME") or "divergence",
            user=environment.get("DATABASE_USER") or user,
            password_file=Path(password_file) if password_file else None,
        )


def _host(item: str, default_port: str) -> tuple[str, int]:
    name, _, own_port = item.partition(":")
    port = own_port or default_port
    if not name or not port.isdecimal() or not 1 <= int(port) <= 65_535:
        raise MistakeError(f"Cannot read '{item}' of DATABASE_HOSTS: expected 'host' or 'host:port', port 1 to 65535")
    return name, int(port)


class StatementObserver(Protocol):
    """Sees every statement of a connection, never its parameters."""

    def run(self, connection: Connection, query: Query, execute: Callable[[], Cursor]) -> Cursor: ...


class PatientConnection(psycopg.Connection[tuple[Any, ...]]):
    """
    A connection that does not wait for ever. A server that is stopped, or cut off behind a network that still
    acknowledges, keeps no time-out of its own; its kernel even answers keepalives. Only the client can give up.
    """

    answer_timeout_seconds: float | None = None
    observer: StatementObserver | None = None

    def execute(
        self, query: Query, params: Params | None = None, *, prepare: bool | None = None, binary: bool = False
    ) -> Cursor:
        if self.observer is None:
            return super().execute(query, params, prepare=prepare, binary=binary)
        parent = super()
        return self.observer.run(self, query, lambda: parent.execute(query, params, prepare=prepare, binary=binary))

    def wait(
        self, gen: PQGen[Result], interval: float = _INTERRUPT_CHECK_SECONDS, timeout: float | None = None
    ) -> Result:
        try:
            return super().wait(gen, interval, self.answer_timeout_seconds if timeout is None else timeout)
        except errors._WaitTimeout as silence:
            # Whatever the server does with the statement, its answer must not be taken for the next one's.
            self.pgconn.finish()
            raise errors.ConnectionTimeout(f"no answer within {self.answer_timeout_seconds} s") from silence


def connect(  # noqa: PLR0913 - one place for all that a connection needs
    settings: DatabaseSettings,
    *,
    session: Session,
    application: str,
    statement_timeout_ms: int = 0,
    answer_timeout_seconds: float | None = None,
    hosts: Sequence[tuple[str, int]] | None = None,
    database: str | None = None,
) -> PatientConnection:
    """
    Opens a connection in autocommit mode.

    :param session: `read-write` finds the primary, `any` takes the first member that answers
    :param statement_timeout_ms: what the server allows a statement; 0 for no limit. It does not end a commit's wait for
        the synchronous standby: Postgres disarms it before
    :param answer_timeout_seconds: how long the client waits for any answer; None for no limit
    :param hosts: members to try, in this order; default: all of them in random order
    :raises psycopg.OperationalError: when no member takes the connection
    """
    members = settings.hosts if hosts is None else hosts
    password = {"password": read_password(settings.password_file)} if settings.password_file else {}
    connection = PatientConnection.connect(
        "",
        autocommit=True,
        host=",".join(name for name, _ in members),
        port=",".join(str(port) for _, port in members),
        dbname=database or settings.name,
        user=settings.user,
        application_name=application,
        target_session_attrs=session,
        load_balance_hosts="random" if hosts is None else "disable",
        # Said here and not left to the server: an acknowledged write is on the synchronous standby, too.
        options=f"-c statement_timeout={statement_timeout_ms} -c synchronous_commit=on",
        **password,
        **_SOCKET_SETTINGS,
    )
    connection.answer_timeout_seconds = answer_timeout_seconds
    return connection


def read_password(path: Path) -> str:
    """The file's first line: secrets are mounted as files, often with a newline at the end."""
    return path.read_text().split("\n", 1)[0]


def is_passing(error: BaseException) -> bool:
    """Whether the same thing may work on another connection a moment later."""
    return isinstance(error, _PASSING) and not isinstance(error, _LASTING)


def with_writable_database(
    open_connection: Callable[[], Connection],
    action: Callable[[Connection], Result],
    *,
    timeout_seconds: float,
    pause_seconds: float = 0.5,
    on_retry: Callable[[psycopg.Error], None] | None = None,
) -> Result:
    """
    Runs `action` on a new connection, again from the start on another one while the database fails over.
    `action` must be idempotent: a commit whose answer was lost may have happened.

    :raises psycopg.Error: the last error, when it will not pass or the time is over
    """
    deadline = time.monotonic() + timeout_seconds
    while True:
        try:
            with open_connection() as connection:
                return action(connection)
        except psycopg.Error as error:
            if not is_passing(error) or time.monotonic() + pause_seconds > deadline:
                raise
            log.warning("the database is not writable yet: %s", first_line(error))
            if on_retry is not None:
                on_retry(error)
            time.sleep(pause_seconds)


def first_line(error: BaseException) -> str:
    """An error in one line for a log."""
    return (str(error).strip() or type(error).__name__).split("\n", 1)[0]


def in_transaction(connection: Connection, statements: Sequence[LiteralString]) -> None:
    """Runs statements without parameters, all or none."""
    with connection.transaction():
        for statement in statements:
            connection.execute(statement)

"""
Connections that survive the loss of a member.

Not psycopg_pool: it reconnects in the background with a growing back-off and hands out connections whose server is
gone until a check fails; here a broken connection costs the request that finds it one more try, and a write that fails
empties the pool of writers at once, because all of them stood at the same primary.
"""

import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import psycopg
from psycopg.rows import DictRow, dict_row

from pipeline.database import DatabaseSettings, Session, connect

T = TypeVar("T")
Connection = psycopg.Connection[DictRow]

READ_DEADLINE_SECONDS = 1.5
READ_TIMEOUT_MS = 1000
WRITE_TIMEOUT_MS = 2000
WRITE_TRIES = 2
# Beyond it the primary's connections would be used up by writes that wait for a standby.
WRITERS = 16
WRITER_WAIT_SECONDS = 0.2
IDLE_CONNECTIONS = 12
# A member that failed is asked last for that long.
SUSPECT_SECONDS = 3.0


class DatabaseUnavailable(Exception):  # noqa: N818 - it is a state of the world, not a mistake
    """No member answered in time; the request may be sent again."""


class Connections:
    """Idle connections of one kind (readers or writers) and the making of new ones. Thread-safe."""

    def __init__(
        self,
        database: DatabaseSettings,
        session: Session,
        timeout_ms: int,
        preferred_host: str | None = None,
    ) -> None:
        self._database = database
        self._session = session
        self._timeout_ms = timeout_ms
        self._preferred_host = preferred_host
        self._idle: deque[Connection] = deque()
        self._suspects: dict[str, float] = {}
        self._lock = threading.Lock()

    def take(self) -> tuple[Connection, bool]:
        """A connection and whether it is new."""
        with self._lock:
            if self._idle:
                return self._idle.pop(), False
        return self._connect(), True

    def give_back(self, connection: Connection) -> None:
        with self._lock:
            if len(self._idle) < IDLE_CONNECTIONS:
                self._idle.append(connection)
                return
        connection.close()

    def discard(self, connection: Connection) -> None:
        """Closes a connection that broke; its member is asked last for a while."""
        with self._lock:
            self._suspects[connection.info.host] = time.monotonic()
        connection.close()

    def drop_idle(self) -> None:
        with self._lock:
            dropped, self._idle = self._idle, deque()
        for connection in dropped:
            connection.close()

    def _connect(self) -> Connection:
        connection = connect(
            self._database,
            session=self._session,
            application="recommender",
            statement_timeout_ms=self._timeout_ms,
            hosts=self._ordered_hosts(),
        )
        connection.row_factory = dict_row  # type: ignore[assignment]
        return connection  # type: ignore[return-value]

    def _ordered_hosts(self) -> tuple[tuple[str, int], ...]:
        now = time.monotonic()
        with self._lock:
            suspects = {host for host, since in self._suspects.items() if now - since < SUSPECT_SECONDS}
        shuffled = random.sample(self._database.hosts, len(self._database.hosts))
        return tuple(sorted(shuffled, key=lambda each: (each[0] in suspects, each[0] != self._preferred_host)))


class Database:
    """What the service asks of Postgres: reads from any member, writes to the primary."""

    def __init__(
        self,
        database: DatabaseSettings,
        count_error: Callable[[str], None],
        preferred_host: str | None = None,
    ) -> None:
        self._readers = Connections(database, "any", READ_TIMEOUT_MS, preferred_host)
        self._writers = Connections(database, "read-write", WRITE_TIMEOUT_MS)
        self._writing = threading.Semaphore(WRITERS)
        self._count_error = count_error

    def read(self, work: Callable[[Connection], T]) -> T:
        """Runs `work`, which must only read, again on another connection until the deadline."""
        deadline = time.monotonic() + READ_DEADLINE_SECONDS
        while True:
            try:
                return self._once(self._readers, work)
            except psycopg.OperationalError as error:
                self._count_error(reason_of(error))
                if time.monotonic() >= deadline:
                    raise DatabaseUnavailable(f"Cannot read: {error}") from error

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection of its own for an answer that streams; not repeated, as part of it has been sent already."""
        try:
            connection, _ = self._readers.take()
        except psycopg.OperationalError as error:
            self._count_error(reason_of(error))
            raise DatabaseUnavailable(f"Cannot read: {error}") from error
        try:
            yield connection
        except BaseException:
            self._readers.discard(connection)
            raise
        self._readers.give_back(connection)

    def write(self, work: Callable[[Connection], T]) -> T:
        """
        Runs `work` on the primary; returns only when its commit is durable on the synchronous standby as well.

        `work` must be idempotent: after a broken connection nobody knows whether its commit was done.
        """
        if not self._writing.acquire(timeout=WRITER_WAIT_SECONDS):
            self._count_error("writers_busy")
            raise DatabaseUnavailable("Cannot write: too many writes wait already")
        try:
            return self._write(work)
        finally:
            self._writing.release()

    def _write(self, work: Callable[[Connection], T]) -> T:
        failure: psycopg.OperationalError | psycopg.InternalError | None = None
        for _ in range(WRITE_TRIES):
            try:
                return self._once(self._writers, work)
            # ReadOnlySqlTransaction is an InternalError: the primary became a standby under an open connection.
            except (psycopg.OperationalError, psycopg.errors.ReadOnlySqlTransaction) as error:
                self._count_error(reason_of(error))
                self._writers.drop_idle()
                failure = error
        raise DatabaseUnavailable(f"Cannot write: {failure}") from failure

    @staticmethod
    def _once(connections: Connections, work: Callable[[Connection], T]) -> T:
        connection, _ = connections.take()
        try:
            result = work(connection)
        except (psycopg.OperationalError, psycopg.InterfaceError, psycopg.errors.ReadOnlySqlTransaction):
            connections.discard(connection)
            raise
        except BaseException:
            # A mistake of the request, such as an unknown song: the connection itself is sound.
            connections.give_back(connection)
            raise
        connections.give_back(connection)
        return result


def reason_of(error: psycopg.Error) -> str:
    """A few words at most, so that it can be a label: the SQLSTATE's name, or `connection`."""
    return type(error).__name__ if error.sqlstate else "connection"

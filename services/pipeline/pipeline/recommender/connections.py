"""
Connections that survive the loss of a member.

Not psycopg_pool: it reconnects in the background with a growing back-off and hands out connections whose server is
gone until a check fails; here a broken connection costs the request that finds it one more try, and takes all idle ones
to the same member with it. A write that fails empties the pool of writers, because all of them stood at the same
primary. Members are tried one by one rather than as one list, to learn which of them was slow to refuse.
"""

import math
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

import psycopg
from psycopg.rows import DictRow, dict_row

from pipeline.database import DatabaseSettings, PatientConnection, Session, connect, first_line, is_passing
from pipeline.recommender.request_record import CURRENT, Happenings, Learnt, RequestRecord, StatementsOf

T = TypeVar("T")
Connection = psycopg.Connection[DictRow]

READ_DEADLINE_SECONDS = 1.5
# Between two tries of a read: all members may refuse at once, within a millisecond.
READ_PAUSE_SECONDS = 0.05
READ_TIMEOUT_MS = 1000
WRITE_TIMEOUT_MS = 2000
# What the service itself waits for an answer; less than a read's deadline, so that another member can be asked.
READ_ANSWER_SECONDS = 0.8
WRITE_ANSWER_SECONDS = 2.0
# A write is tried again only while the gateway still waits for it.
WRITE_AGAIN_SECONDS = 1.0
# Between two searches for a primary. While there is none, each search costs every member a process and a password
# check: without the pause, and with every waiting write searching for itself, an election takes the processor from the
# reads.
SEARCH_PAUSE_SECONDS = 0.25
# A member that did not even refuse is left out of the search for that long.
SILENT_SECONDS = 2.0
SILENT_AFTER_SECONDS = 1.0
# Beyond it the primary's connections would be used up by writes that wait for a standby.
WRITERS = 16
WRITER_WAIT_SECONDS = 0.2
# More reads at a time finish no sooner: each keeps a process of Postgres running, and once processors are short, all of
# them are late together, given up and asked again. Who waits here costs nothing.
READERS = 6
# Whoever waits longer would not be answered before the deadline.
READER_WAIT_SECONDS = READ_DEADLINE_SECONDS - READ_ANSWER_SECONDS
IDLE_CONNECTIONS = 12
# A member that failed is asked last for that long, and for twice as long each time it fails again right after.
SUSPECT_SECONDS = 3.0
SUSPECT_AT_MOST_SECONDS = 24.0
# A member that takes that long to refuse a connection is not refusing: it is gone.
SLOW_REFUSAL_SECONDS = 0.2
# Connections are made anew now and then, so that a member that is back gets its share again.
CONNECTION_LIFE_SECONDS = 60.0


# A database before its first migration: the service waits for it as for a member that is down.
NOT_THERE_YET = (psycopg.errors.UndefinedTable, psycopg.errors.InsufficientPrivilege)


class DatabaseUnavailable(Exception):  # noqa: N818 - it is a state of the world, not a mistake
    """No member answered in time; the request may be sent again."""


class NotDurable(psycopg.OperationalError):
    """Postgres stopped waiting for the synchronous standby, and told so in a warning only."""


class Suspicion(NamedTuple):
    """Until when a member is asked last (`time.monotonic()`), and how long that is in all."""

    ends_at: float
    seconds: float


@dataclass(eq=False, slots=True)
class Lease:
    """A connection, the member it leads to, when it is too old (`time.monotonic()`), and what the server warned of."""

    connection: PatientConnection
    host: str
    expires_at: float
    warnings: list[str]
    used: bool = False


class Connections:
    """Idle connections of one kind (readers or writers) and the making of new ones. Thread-safe."""

    def __init__(  # noqa: PLR0913 - one place for all that connections of a kind have in common
        self,
        database: DatabaseSettings,
        session: Session,
        timeout_ms: int,
        answer_seconds: float,
        *,
        happenings: Happenings,
        statement_names: Mapping[str, str],
        preferred_host: str | None = None,
    ) -> None:
        self._database = database
        self._session = session
        self._timeout_ms = timeout_ms
        self._answer_seconds = answer_seconds
        self._happenings = happenings
        self._statement_names = statement_names
        self._preferred_host = preferred_host
        self._newest_host: str | None = None
        self._idle: deque[Lease] = deque()
        self._suspects: dict[str, Suspicion] = {}
        self._lock = threading.Lock()
        self._search = threading.Lock()
        self._search_again_at = 0.0
        self._silent_until: dict[str, float] = {}

    @contextmanager
    def one(self) -> Iterator[Connection]:
        """
        Lends a connection. One whose member failed is closed afterwards, and with it the idle ones to that member.

        :raises NotDurable: when all went well but the server warned, as it does after a commit without its standby
        """
        record = CURRENT.get()
        lease = self._take() if record is None else self._take_for(record)
        try:
            yield lease.connection
            if lease.warnings:
                raise NotDurable(lease.warnings[0])
        except psycopg.Error as error:
            if is_passing(error) or lease.connection.broken:
                self._discard(lease, error)
            else:
                self._give_back(lease)
            raise
        except BaseException:
            lease.connection.close()
            raise
        self._give_back(lease)

    def drop_idle(self, host: str | None = None) -> None:
        """Closes the idle connections, all or those to one member."""
        with self._lock:
            dropped = [lease for lease in self._idle if host in (None, lease.host)]
            self._idle = deque(lease for lease in self._idle if host not in (None, lease.host))
        for lease in dropped:
            lease.connection.close()

    def _take(self) -> Lease:
        while True:
            with self._lock:
                if not self._idle:
                    break
                lease = self._idle.pop()
            if lease.expires_at > time.monotonic():
                return lease
            lease.connection.close()
        return self._connect()

    def _take_for(self, record: RequestRecord) -> Lease:
        def work(learnt: Learnt) -> Lease:
            lease = self._take()
            learnt |= {"server.address": lease.host, "db.connection.new": not lease.used}
            return lease

        lease = record.timed("connection", "take connection", {"db.session": self._session}, work)
        lease.connection.observer = StatementsOf(record, lease.host, self._statement_names)
        return lease

    def _give_back(self, lease: Lease) -> None:
        lease.connection.observer = None
        lease.used = True
        with self._lock:
            if len(self._idle) < IDLE_CONNECTIONS:
                self._idle.append(lease)
                return
        lease.connection.close()

    def _discard(self, lease: Lease, error: psycopg.Error) -> None:
        self._happenings.note("a member failed", member=lease.host, reason=reason_of(error), session=self._session)
        self._suspect(lease.host)
        lease.connection.close()
        self.drop_idle(lease.host)

    def _suspect(self, host: str) -> None:
        now = time.monotonic()
        with self._lock:
            before = self._suspects.get(host)
            if before is not None and now < before.ends_at:
                return
            again = before is not None and now < before.ends_at + SUSPECT_AT_MOST_SECONDS
            span = min(before.seconds * 2, SUSPECT_AT_MOST_SECONDS) if before and again else SUSPECT_SECONDS
            self._suspects[host] = Suspicion(now + span, span)

    def _connect(self) -> Lease:
        if self._session == "any":
            return self._try_members(self._ordered_hosts())
        # There may be no primary at all: one thread searches, the others wait for what it finds.
        with self._search:
            if time.monotonic() < self._search_again_at:
                raise psycopg.OperationalError("no member took writes a moment ago")
            now = time.monotonic()
            members = self._ordered_hosts()
            speaking = tuple(member for member in members if self._silent_until.get(member[0], 0) <= now)
            try:
                return self._try_members(speaking or members)
            except psycopg.OperationalError:
                self._search_again_at = time.monotonic() + SEARCH_PAUSE_SECONDS
                raise

    def _try_members(self, members: tuple[tuple[str, int], ...]) -> Lease:
        failure: psycopg.OperationalError | None = None
        for member in members:
            began = time.monotonic()
            try:
                connection = connect(
                    self._database,
                    session=self._session,
                    application="recommender",
                    statement_timeout_ms=self._timeout_ms,
                    answer_timeout_seconds=self._answer_seconds,
                    hosts=(member,),
                )
            except psycopg.OperationalError as error:
                failure = error
                took_seconds = time.monotonic() - began
                self._happenings.note(
                    "a member took no connection",
                    member=member[0],
                    session=self._session,
                    reason=first_line(error)[-120:],
                    seconds=round(took_seconds, 3),
                )
                if took_seconds > SLOW_REFUSAL_SECONDS:
                    self._suspect(member[0])
                if took_seconds > SILENT_AFTER_SECONDS:
                    self._silent_until[member[0]] = time.monotonic() + SILENT_SECONDS
                continue
            return self._lease(connection, member[0])
        raise failure or psycopg.OperationalError("there is no member to ask")

    def _lease(self, connection: PatientConnection, host: str) -> Lease:
        if self._session == "read-write":
            if self._newest_host not in (None, host):
                self._happenings.note("the primary moved", before=str(self._newest_host), now=host)
            self._newest_host = host
        connection.row_factory = dict_row
        warnings: list[str] = []

        def remember(notice: psycopg.errors.Diagnostic) -> None:
            if notice.severity_nonlocalized == "WARNING":
                warnings.append(notice.message_primary or "warning")

        connection.add_notice_handler(remember)
        # Spread out, so that connections made together do not end together.
        expires_at = time.monotonic() + CONNECTION_LIFE_SECONDS * random.uniform(0.5, 1)  # noqa: S311
        return Lease(connection, host, expires_at, warnings)

    def _ordered_hosts(self) -> tuple[tuple[str, int], ...]:
        now = time.monotonic()
        with self._lock:
            suspects = {host for host, suspicion in self._suspects.items() if now < suspicion.ends_at}
        shuffled = random.sample(self._database.hosts, len(self._database.hosts))
        return tuple(sorted(shuffled, key=lambda each: (each[0] in suspects, each[0] != self._preferred_host)))


class Turns:
    """So many at a time, and no more; the others wait for their turn, but not for long. Thread-safe."""

    def __init__(self, places: int, wait_seconds: float, kind: str, count_error: Callable[[str], None]) -> None:
        """:param kind: who takes turns: `reader` or `writer`"""
        self._places = threading.Semaphore(places)
        self._wait_seconds = wait_seconds
        self._kind = kind
        self._count_error = count_error

    @contextmanager
    def one(self, until: float = math.inf) -> Iterator[None]:
        """
        :param until: when it is too late for a turn anyhow (`time.monotonic()`)
        :raises DatabaseUnavailable: when it did not come to this one's turn in time
        """
        if not (self._places.acquire(blocking=False) or self._wait(until)):
            self._count_error(f"{self._kind}s_busy")
            raise DatabaseUnavailable(f"Cannot use the database: too many {self._kind}s wait already")
        try:
            yield
        finally:
            self._places.release()

    def _wait(self, until: float) -> bool:
        seconds = max(0.0, min(self._wait_seconds, until - time.monotonic()))
        record = CURRENT.get()
        if record is None:
            return self._places.acquire(timeout=seconds)
        wait = f"wait for a {self._kind}"
        return record.timed("connection", wait, {}, lambda _: self._places.acquire(timeout=seconds))


class Database:
    """What the service asks of Postgres: reads from any member, writes to the primary."""

    def __init__(
        self,
        database: DatabaseSettings,
        count_error: Callable[[str], None],
        *,
        statement_names: Mapping[str, str],
        preferred_host: str | None = None,
    ) -> None:
        """:param statement_names: what statements are called in traces, by their text"""
        self.happenings = Happenings()
        self._readers = Connections(
            database,
            "any",
            READ_TIMEOUT_MS,
            READ_ANSWER_SECONDS,
            happenings=self.happenings,
            statement_names=statement_names,
            preferred_host=preferred_host,
        )
        self._writers = Connections(
            database,
            "read-write",
            WRITE_TIMEOUT_MS,
            WRITE_ANSWER_SECONDS,
            happenings=self.happenings,
            statement_names=statement_names,
        )
        self._reading = Turns(READERS, READER_WAIT_SECONDS, "reader", count_error)
        self._writing = Turns(WRITERS, WRITER_WAIT_SECONDS, "writer", count_error)
        self._count_error = count_error

    def read(self, work: Callable[[Connection], T], *, in_turn: bool = True) -> T:
        """
        Runs `work`, which must only read, again on another connection until the deadline.

        :param in_turn: `False` for what must not wait for others: whether the database answers at all
        :raises DatabaseUnavailable: when no member answered in time
        """
        deadline = time.monotonic() + READ_DEADLINE_SECONDS
        while True:
            try:
                turn = self._reading.one(deadline) if in_turn else nullcontext()
                with turn, self._readers.one() as connection:
                    return work(connection)
            except psycopg.Error as error:
                if not self._may_pass(error):
                    raise
                if time.monotonic() + READ_PAUSE_SECONDS >= deadline:
                    raise DatabaseUnavailable(f"Cannot read: {first_line(error)}") from error
                note_retry("read", error)
            time.sleep(READ_PAUSE_SECONDS)

    def write(self, work: Callable[[Connection], T]) -> T:
        """
        Runs `work` on the primary; returns only when its commit is durable on the synchronous standby as well.

        `work` must be idempotent: after a broken connection nobody knows whether its commit was done.

        :raises DatabaseUnavailable: when it is not known to be durable
        """
        with self._writing.one():
            return self._write(work)

    def _write(self, work: Callable[[Connection], T]) -> T:
        last_try_at = time.monotonic() + WRITE_AGAIN_SECONDS
        while True:
            try:
                with self._writers.one() as connection:
                    return work(connection)
            except psycopg.Error as error:
                if not self._may_pass(error):
                    raise
                self._writers.drop_idle()
                if time.monotonic() + SEARCH_PAUSE_SECONDS > last_try_at:
                    raise DatabaseUnavailable(f"Cannot write: {first_line(error)}") from error
                note_retry("write", error)
            time.sleep(SEARCH_PAUSE_SECONDS)

    def _may_pass(self, error: psycopg.Error) -> bool:
        """Counts an error that says something about the database; tells whether a later try may go well."""
        not_there_yet = isinstance(error, NOT_THERE_YET)
        if not_there_yet or is_passing(error):
            self._count_error(reason_of(error))
        return not_there_yet or is_passing(error)


def reason_of(error: psycopg.Error) -> str:
    """A few words at most, so that it can be a label: the SQLSTATE's name, or `connection`."""
    return type(error).__name__ if error.sqlstate or isinstance(error, NotDurable) else "connection"


def note_retry(what: str, error: psycopg.Error) -> None:
    record = CURRENT.get()
    if record is not None:
        record.note("retry", f"{what} again", {"after": reason_of(error)})

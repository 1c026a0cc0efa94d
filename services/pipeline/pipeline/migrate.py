"""Brings the database to the newest schema. `python -m pipeline.migrate`

Migrations are files NNNN_name.sql, run in order, each in a transaction of its own together with its entry in
schema_migrations. A file that has run must never change: its checksum is compared, and another one is refused. Two
runners at once wait for each other. Then the roles get their passwords, which no SQL file holds.

Variables: DATABASE_HOSTS, DATABASE_PORT, DATABASE_NAME, DATABASE_USER (default postgres; needs CREATEROLE and to own
the database), DATABASE_PASSWORD_FILE, MIGRATIONS_DIR, RECOMMENDER_PASSWORD_FILE, INGEST_PASSWORD_FILE,
MIGRATE_TIMEOUT_SECONDS.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import LiteralString, NamedTuple, cast

import psycopg
from psycopg import errors, sql

from pipeline.database import (
    Connection,
    DatabaseSettings,
    connect,
    first_line,
    read_password,
    with_writable_database,
)
from pipeline.mistake import MistakeError

log = logging.getLogger("migrate")

DEFAULT_MIGRATIONS = Path(__file__).resolve().parents[2] / "database" / "migrations"
_FILE_NAME = re.compile(r"(\d{4})_[a-z0-9_]+\.sql")
_ONE_MIGRATION = 7_110_003
_ROLES = {"recommender": "RECOMMENDER_PASSWORD_FILE", "ingest": "INGEST_PASSWORD_FILE"}


class Migration(NamedTuple):
    number: int
    name: str
    statements: str

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.statements.encode()).hexdigest()


def read_migrations(folder: Path) -> list[Migration]:
    """
    All migrations of a folder in order.

    :raises MistakeError: when there is none, a name is not NNNN_name.sql, or a number is missing or given twice
    """
    if not folder.is_dir():
        raise MistakeError(f"Cannot migrate: there is no folder '{folder}'; set MIGRATIONS_DIR")
    migrations = []
    for path in sorted(folder.glob("*.sql")):
        match = _FILE_NAME.fullmatch(path.name)
        if match is None:
            raise MistakeError(f"Cannot migrate: '{path.name}' is not named NNNN_name.sql")
        migrations.append(Migration(int(match[1]), path.stem, path.read_text()))
    numbers = [migration.number for migration in migrations]
    if not numbers or numbers != list(range(1, len(numbers) + 1)):
        raise MistakeError(f"Cannot migrate: the files of '{folder}' are numbered {numbers}, expected 1, 2, 3, ...")
    return migrations


def create_database(connection: Connection, name: str) -> None:
    """Makes the database when it is missing. `connection` is to another one, with the right to create."""
    try:
        if connection.execute("SELECT FROM pg_database WHERE datname = %s", (name,)).fetchone() is None:
            connection.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'").format(sql.Identifier(name))
            )
            log.info("made the database %s", name)
    except (errors.DuplicateDatabase, errors.UniqueViolation):
        pass  # another runner was quicker


def migrate(connection: Connection, migrations: Sequence[Migration]) -> list[str]:
    """
    Runs what has not run yet.

    :returns: the names of the migrations that ran now
    :raises MistakeError: when the database's history is not the beginning of `migrations`
    """
    connection.execute("SELECT pg_advisory_lock(%s)", (_ONE_MIGRATION,))
    try:
        connection.execute(
            "CREATE TABLE IF NOT EXISTS schema_migrations (number integer PRIMARY KEY, name text NOT NULL, "
            "checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())"
        )
        applied = connection.execute("SELECT number, name, checksum FROM schema_migrations ORDER BY number").fetchall()
        _check_history(applied, migrations)
        fresh = migrations[len(applied) :]
        for migration in fresh:
            with connection.transaction():
                # The file is part of this program and holds no parameter.
                connection.execute(cast(LiteralString, migration.statements))
                connection.execute(
                    "INSERT INTO schema_migrations (number, name, checksum) VALUES (%s, %s, %s)",
                    (migration.number, migration.name, migration.checksum),
                )
            log.info("ran %s", migration.name)
        return [migration.name for migration in fresh]
    finally:
        connection.execute("SELECT pg_advisory_unlock(%s)", (_ONE_MIGRATION,))


def _check_history(applied: Sequence[tuple[int, str, str]], migrations: Sequence[Migration]) -> None:
    if len(applied) > len(migrations):
        raise MistakeError(
            f"Cannot migrate: the database has run {applied[-1][1]}, which is not here; use the newer program"
        )
    for (number, name, checksum), migration in zip(applied, migrations, strict=False):
        if (number, checksum) != (migration.number, migration.checksum):
            raise MistakeError(
                f"Cannot migrate: {name} has run with checksum {checksum[:12]}, the file {migration.name} now has "
                f"{migration.checksum[:12]}; a migration that has run must not change: write a new one"
            )


def set_password(connection: Connection, role: str, password: str) -> None:
    """Lets `role` log in. The server is sent a verifier, so that no log can hold the password."""
    if not password:
        raise MistakeError(f"Cannot set the password of {role}: its file is empty")
    verifier = connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode()
    connection.execute(sql.SQL("ALTER ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(role), sql.Literal(verifier)))


def run(environment: Mapping[str, str]) -> None:
    """:raises MistakeError: when a variable or a file is wrong"""
    settings = DatabaseSettings.from_environment(environment, user="postgres")
    migrations = read_migrations(Path(environment.get("MIGRATIONS_DIR") or DEFAULT_MIGRATIONS))
    passwords = {role: read_password(Path(environment[key])) for role, key in _ROLES.items() if environment.get(key)}
    timeout_seconds = float(environment.get("MIGRATE_TIMEOUT_SECONDS") or 60)

    def connection_to(database: str) -> Connection:
        return connect(settings, session="read-write", application="migrate", database=database)

    def bring_up_to_date(connection: Connection) -> None:
        ran = migrate(connection, migrations)
        for role, password in passwords.items():
            set_password(connection, role, password)
        log.info("schema %s; %d migrations ran now", migrations[-1].name, len(ran))

    with_writable_database(
        lambda: connection_to("postgres"),
        lambda connection: create_database(connection, settings.name),
        timeout_seconds=timeout_seconds,
    )
    with_writable_database(lambda: connection_to(settings.name), bring_up_to_date, timeout_seconds=timeout_seconds)


def main(environment: Mapping[str, str]) -> int:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s migrate %(message)s", stream=sys.stderr)
    try:
        run(environment)
    except (MistakeError, OSError, ValueError) as mistake:
        log.error("%s", mistake)
        return 2
    except psycopg.Error as error:
        log.error("Cannot migrate: %s", first_line(error))
        return 4
    return 0


if __name__ == "__main__":
    sys.exit(main(os.environ))

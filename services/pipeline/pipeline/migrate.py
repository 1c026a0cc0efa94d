"""
Brings the database to the newest schema and gives the roles their passwords: `python -m pipeline.migrate`.

Files NNNN_name.sql run in order, each in a transaction of its own, each once. The table schema_migrations keeps their
checksums: a file that was changed after it ran is refused, because two databases of one name would differ.
"""

import hashlib
import os
import re
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from pipeline.database import DatabaseSettings, SettingsError, settings

# Any number that nothing else in this database locks: two migrations at once wait for each other.
ADVISORY_LOCK = 0x64697665

FILE_NAME = re.compile(r"^(\d{4})_[a-z0-9_]+\.sql$")

HISTORY = """
CREATE TABLE IF NOT EXISTS schema_migrations (
  name text PRIMARY KEY,
  checksum text NOT NULL,
  applied_at timestamptz NOT NULL DEFAULT now()
)
"""


class MigrationError(ValueError):
    """The migrations themselves are wrong; trying again does not help."""


@dataclass(frozen=True)
class Migration:
    name: str
    text: str

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()


def read_migrations(folder: Path) -> list[Migration]:
    """In the order of their numbers. Raises MigrationError for odd names, repeated numbers, or none at all."""
    files = sorted(folder.glob("*.sql"))
    odd = [file.name for file in files if not FILE_NAME.match(file.name)]
    if odd:
        raise MigrationError(f"Cannot migrate: {', '.join(odd)} is not named NNNN_name.sql")
    numbers = [file.name[:4] for file in files]
    repeated = sorted({number for number in numbers if numbers.count(number) > 1})
    if repeated:
        raise MigrationError(f"Cannot migrate: more than one file has the number {', '.join(repeated)}")
    if not files:
        raise MigrationError(f"Cannot migrate: {folder} has no NNNN_name.sql")
    return [Migration(file.name, file.read_text()) for file in files]


def pending(migrations: Iterable[Migration], applied: dict[str, str]) -> list[Migration]:
    """Those that have not run. Raises MigrationError when the history is not a prefix of the files."""
    known = list(migrations)
    names = {migration.name for migration in known}
    gone = sorted(set(applied) - names)
    if gone:
        raise MigrationError(f"Cannot migrate: {', '.join(gone)} ran here and is no longer among the files")
    changed = [each.name for each in known if each.name in applied and applied[each.name] != each.checksum]
    if changed:
        raise MigrationError(f"Cannot migrate: {', '.join(changed)} was changed after it ran; add a new file instead")
    todo = [each for each in known if each.name not in applied]
    newest = max(applied, default="")
    late = [each.name for each in todo if each.name < newest]
    if late:
        raise MigrationError(f"Cannot migrate: {', '.join(late)} stands before {newest}, which ran already")
    return todo


def migrate(connection: psycopg.Connection, migrations: Iterable[Migration], passwords: dict[str, str]) -> list[str]:
    """Runs what has not run and sets the roles' passwords. Returns the names of what ran."""
    connection.execute("SELECT pg_advisory_lock(%s)", (ADVISORY_LOCK,))
    connection.execute(HISTORY)
    applied = dict(connection.execute("SELECT name, checksum FROM schema_migrations").fetchall())
    ran = []
    for migration in pending(migrations, applied):
        with connection.transaction():
            connection.execute(migration.text.encode())
            connection.execute(
                "INSERT INTO schema_migrations (name, checksum) VALUES (%s, %s)", (migration.name, migration.checksum)
            )
        ran.append(migration.name)
    for role, password in passwords.items():
        set_password(connection, role, password)
    return ran


def set_password(connection: psycopg.Connection, role: str, password: str) -> None:
    # Hashed here, so that the password itself reaches neither the server's log nor its statistics.
    hashed = connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode()
    statement = sql.SQL("ALTER ROLE {} LOGIN PASSWORD {}")
    connection.execute(statement.format(sql.Identifier(role), sql.Literal(hashed)))


def connect(database: DatabaseSettings, timeout_seconds: float) -> psycopg.Connection:
    """Waits for a primary. Raises the last psycopg.OperationalError when none comes in time."""
    deadline = time.monotonic() + timeout_seconds
    while True:
        try:
            return psycopg.connect(**database.parameters("read-write", application="migrate"), autocommit=True)
        except psycopg.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)


def main() -> int:
    folder = Path(os.environ.get("MIGRATIONS_DIR") or Path(__file__).parents[2] / "database" / "migrations")
    variables = {role: f"{role.upper()}_PASSWORD_FILE" for role in ("recommender", "ingest")}
    files = {role: os.environ[variable] for role, variable in variables.items() if os.environ.get(variable)}
    try:
        timeout_seconds = float(os.environ.get("MIGRATE_TIMEOUT_SECONDS") or 60)
        migrations = read_migrations(folder)
        passwords = {role: Path(file).read_text().strip() for role, file in files.items()}
        with connect(settings("postgres"), timeout_seconds) as connection:
            ran = migrate(connection, migrations, passwords)
    except (MigrationError, SettingsError, ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    except psycopg.Error as error:
        print(f"Cannot migrate: {error}", file=sys.stderr)
        return 4
    print(f"{len(migrations)} migrations, {len(ran)} ran now: {', '.join(ran) or 'none'}; roles: {', '.join(passwords) or 'none'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

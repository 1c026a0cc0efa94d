"""How every program of the package reaches Postgres: three members, one of them the primary, any of which may be gone."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

SessionAttributes = Literal["any", "read-write"]

# A member that dies without a word (no FIN, no RST) is given up within half a second to two seconds.
SURVIVAL = {
    "connect_timeout": 2,  # seconds a host; the least that libpq takes
    "tcp_user_timeout": 500,  # milliseconds that sent data may stay unacknowledged
    "keepalives_idle": 1,  # seconds
    "keepalives_interval": 1,  # seconds
    "keepalives_count": 2,
}


class SettingsError(ValueError):
    """A variable of the environment is missing or wrong; the message names it."""


@dataclass(frozen=True)
class DatabaseSettings:
    """Where the members are and who asks. The password stays in its file and is read anew for each connection."""

    hosts: tuple[tuple[str, int], ...]
    name: str
    user: str
    password_file: Path | None

    @staticmethod
    def from_environment(environment: Mapping[str, str], default_user: str) -> "DatabaseSettings":
        default_port = port(environment.get("DATABASE_PORT") or "5432", "DATABASE_PORT")
        hosts = tuple(
            host_and_port(item.strip(), default_port)
            for item in (environment.get("DATABASE_HOSTS") or "").split(",")
            if item.strip()
        )
        if not hosts:
            raise SettingsError("Cannot reach the database: DATABASE_HOSTS is not set")
        file = environment.get("DATABASE_PASSWORD_FILE")
        return DatabaseSettings(
            hosts=hosts,
            name=environment.get("DATABASE_NAME") or "divergence",
            user=environment.get("DATABASE_USER") or default_user,
            password_file=Path(file) if file else None,
        )

    def parameters(
        self,
        attributes: SessionAttributes,
        *,
        application: str,
        hosts: tuple[tuple[str, int], ...] | None = None,
        statement_timeout_ms: int = 0,
    ) -> dict[str, str | int]:
        """
        Keyword arguments of `psycopg.connect`.

        `hosts` are tried in their order; `statement_timeout_ms` 0 means no limit. The limit does not cover the wait for
        synchronous replication at commit: Postgres disarms it before, so a write is never acknowledged by it.
        """
        chosen = hosts or self.hosts
        return {
            "host": ",".join(host for host, _ in chosen),
            "port": ",".join(str(number) for _, number in chosen),
            "dbname": self.name,
            "user": self.user,
            "application_name": application,
            "target_session_attrs": attributes,
            "options": f"-c statement_timeout={statement_timeout_ms}",
            **({"password": self.password_file.read_text().strip()} if self.password_file else {}),
            **SURVIVAL,
        }


def settings(default_user: str) -> DatabaseSettings:
    return DatabaseSettings.from_environment(os.environ, default_user)


def host_and_port(text: str, default_port: int) -> tuple[str, int]:
    host, separator, number = text.partition(":")
    if not host:
        raise SettingsError(f"Cannot reach the database: DATABASE_HOSTS has an entry without a host: '{text}'")
    return host, port(number, "DATABASE_HOSTS") if separator else default_port


def port(text: str, variable: str) -> int:
    if text.isdecimal() and 1 <= int(text) <= 65535:
        return int(text)
    raise SettingsError(f"Cannot reach the database: {variable} must have a port from 1 to 65535: current value is '{text}'")

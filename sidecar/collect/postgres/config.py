"""Configuration of a Postgres server to scrape."""

import re
from typing import Self

from pydantic import Field, SecretStr, field_validator, model_validator

from sidecar.collect.config import Selection, TargetConfig
from sidecar.collect.postgres.dsn import parse_dsn
from sidecar.model.config import Config, FileName
from sidecar.model.errors import TargetError

_START_OF_DSN = re.compile(r"\s*(?:postgres(?:ql)?(?:\+\w+)?://|\w+\s*=)", re.IGNORECASE)


class DatabasesConfig(Config):
    """Databases visited beside the DSN's own, for what only a connection to them can see: tables and indexes."""

    discover: bool = Field(
        False, description="Visit every database the role may connect to, one short connection after the other."
    )
    include: tuple[str, ...] = Field((), description="Only databases that match one of these patterns; empty: all.")
    exclude: tuple[str, ...] = Field((), description="No database that matches one of these patterns, `*_test`.")
    max: int = Field(20, ge=0, le=1000, description="Most databases visited in one scrape; the rest is counted.")


class TablesConfig(Config):
    """Tables shown of each database."""

    max: int = Field(
        300, ge=1, le=100_000, description="Most tables shown of a database, the biggest first; the rest is counted."
    )


class StatementsConfig(Config):
    """Statements shown by the view `stat_statements`; what is left out is counted together."""

    max: int = Field(50, ge=1, le=1000, description="Most statements shown: by time and by blocks of temporary files.")
    query_text: bool = Field(
        False, description="Show their texts too, in `pg_stat_statements_query_id`; without literals and comments."
    )
    query_text_max_length: int = Field(200, ge=20, le=10_000, description="Most characters of a text; the rest is cut.")


class PostgresConfig(TargetConfig):
    """A Postgres server, scraped through one connection, and one more at a time for other databases."""

    name: str = Field(
        "postgres",
        pattern=r"^[a-z][a-z0-9_-]{0,62}$",
        description="Name in logs, in labels and in `/probe?target=`; unique.",
    )
    dsn: SecretStr | None = Field(
        None, description="Connection URL, or libpq's `host=... user=...` form. One of dsn and dsn_file is needed."
    )
    dsn_file: str | None = Field(None, description="File that holds the DSN, read again for every new connection.")
    password_file: str | None = Field(
        None, description="File that holds the password, read again for every new connection; wins over the DSN's."
    )
    views: Selection = Field(Selection(), description="Views to collect; see the metrics reference for their names.")
    databases: DatabasesConfig = DatabasesConfig()
    queries: tuple[FileName, ...] = Field(
        (),
        description="Files of queries of your own, as globs; a relative one starts at the folder of this file. "
        "postgres_exporter's queries.yaml is one.",
    )
    tables: TablesConfig = TablesConfig()
    statements: StatementsConfig = StatementsConfig()
    long_transaction_seconds: float = Field(
        0.0, ge=0, description="Age from which an open transaction counts as a long-running one; 0: each one does."
    )
    compat_aliases: bool = Field(
        False, description="Show metrics also under the names that older postgres_exporters gave them."
    )

    @field_validator("dsn")
    @classmethod
    def _is_a_dsn(cls, dsn: SecretStr | None) -> SecretStr | None:
        if dsn is not None and not _START_OF_DSN.match(dsn.get_secret_value()):
            raise ValueError("neither a postgres:// or postgresql:// URL nor libpq's `host=... user=...`")
        try:
            if dsn is not None:
                parse_dsn(dsn.get_secret_value())
        except TargetError as error:
            # Without its cause: pydantic would keep what was parsed.
            raise ValueError(str(error)) from None
        return dsn

    @model_validator(mode="after")
    def _has_one_dsn(self) -> Self:
        if (self.dsn is None) == (self.dsn_file is None):
            raise ValueError("give exactly one of `dsn` and `dsn_file`")
        return self

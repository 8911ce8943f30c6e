"""Old names of families: all of them, only when asked, with the values of the new ones."""

import csv
import re
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from sidecar.app.registry import POSTGRES_VIEWS
from sidecar.collect.postgres.aliases import OLD_NAMES, aliased
from sidecar.collect.postgres.config import PostgresConfig
from sidecar.collect.postgres.runner import PostgresRunner
from sidecar.collect.postgres.view import View
from tests.unit.collect.postgres.converting import SERVER, view
from tests.unit.collect.scraping import Surroundings, values_of


def views_of(**settings: Any) -> list[View]:
    around = Surroundings()
    config = PostgresConfig.model_validate({"dsn": "postgresql://db", **settings})
    return PostgresRunner(config, POSTGRES_VIEWS, around.target, around.context)._views


def spelt_out(name: str) -> set[str]:
    """Return the names behind `pg_a_{b,c}`, `pg_a_b, _c(ms)`, `_sessions_a/_b` or `pg_a_* (11 names ...)`."""
    if name.startswith("pg_stat_bgwriter_*"):
        return {old for old in OLD_NAMES.values() if old.startswith("pg_stat_bgwriter_")}
    if "{" in name:
        parts = [part.split(",") for part in re.split(r"[{}]", name)]
        return {"".join(chosen) for chosen in product(*parts)}
    first, *others = re.sub(r"\(.*?\)", "", name).replace("/_", ", _sessions_").split(", ")
    return {first, *(f"pg_stat_database{other}" for other in others)}


def names_in(shared_data: Path) -> set[str]:
    with (shared_data / "exporters" / "legacy_aliases.tsv").open() as file:
        olds = [row["old_name"] for row in csv.DictReader(file, delimiter="\t")]
    return {name for old in olds if old.startswith("pg_") for name in spelt_out(old)}


def test_every_old_name_of_the_list_is_there_with_the_option(shared_data: Path) -> None:
    names = names_in(shared_data)
    assert len([name for name in names if re.fullmatch(r"pg_stat_bgwriter_\w+(?<!_total)", name)]) == 11
    assert len(names) == 1 + 5 + 11 + 7 + 8 + 9
    assert names <= {family.name for view in views_of(compat_aliases=True) for family in view.families}


def test_without_the_option_there_are_no_old_names() -> None:
    shown = {family.name for view in views_of() for family in view.families}
    assert not shown & set(OLD_NAMES.values())


@pytest.mark.parametrize(("option", "asked"), [(True, True), (False, False)])
def test_columns_that_only_old_names_need_are_asked_for_with_the_option(option: bool, asked: bool) -> None:
    (of_databases,) = (view for view in views_of(compat_aliases=option) if view.name == "stat_database")
    assert ("sessions_killed" in (of_databases.sql_for(140000) or "")) is asked
    assert ("checksum_failures" in (of_databases.sql_for(120000) or "")) is asked


def test_old_name_has_the_samples_and_the_type_of_the_new_one() -> None:
    row = {"datname": "shop", "schemaname": "public", "relname": "orders", "heap_blks_read": 3}
    families = list(aliased(view("statio_user_tables")).convert([row], SERVER))
    labels = '{datname="shop",relname="orders",schemaname="public"}'
    assert values_of(families) == {
        f"pg_statio_user_tables_heap_blocks_read{labels}": 3,
        f"pg_statio_user_tables_heap_blks_read{labels}": 3,
    }
    assert len({family.type for family, _ in families}) == 1


def test_view_without_old_names_stays_as_it_is() -> None:
    assert aliased(view("roles")) is view("roles")

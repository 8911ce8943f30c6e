"""Settings: many, and hardly ever changed."""

from sidecar.collect.postgres.config import PostgresConfig
from sidecar.collect.postgres.view import Server
from sidecar.collect.postgres.views.settings import VIEW
from tests.unit.collect.scraping import values_of

SERVER = Server(180006)


def test_settings_are_converted_anew_when_one_changes() -> None:
    settings = VIEW.for_target(PostgresConfig.model_validate({"dsn": "postgresql://h"}))
    rows = [{"name": "work_mem", "setting": "4096", "unit": "kB", "vartype": "integer"}]
    assert values_of(settings.convert(rows, SERVER)) == {"pg_settings_work_mem_bytes": 4096 * 1024}
    assert settings.convert([dict(row) for row in rows], SERVER) is settings.convert(rows, SERVER)
    changed = [{**rows[0], "setting": "8192"}]
    assert values_of(settings.convert(changed, SERVER)) == {"pg_settings_work_mem_bytes": 8192 * 1024}

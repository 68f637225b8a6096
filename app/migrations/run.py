"""Run the migrations: `python -m app.migrations.run`, or `upgrade(owner_url)` from the supervisor and the tests."""

import sys
from pathlib import Path

from alembic import command
from alembic.config import Config

from config.settings import SettingsError, get_settings

HERE = Path(__file__).parent


def configuration(owner_url: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(HERE))
    config.set_main_option("path_separator", "os")
    config.attributes["url"] = owner_url
    return config


def upgrade(owner_url: str) -> None:
    """Bring the schema to the newest revision; a no-op when it is there. Lock and statement timeouts are in env.py."""
    command.upgrade(configuration(owner_url), "head")


def main() -> int:
    try:
        owner = get_settings().database_owner_url
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    if owner is None:
        sys.stderr.write("DATABASE_OWNER_URL: set it to the owner role's address; the app role may not migrate\n")
        return 1
    upgrade(owner.get_secret_value())
    return 0


if __name__ == "__main__":
    sys.exit(main())

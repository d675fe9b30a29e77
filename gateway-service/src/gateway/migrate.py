"""`python -m gateway.migrate up|status`: numbered changes of what MongoDB holds. Gateways do them at their start."""

import argparse
import asyncio
import secrets
import sys

from pydantic import ValidationError
from pydantic_settings import SettingsError

from reelwork.domain.errors import StoreUnavailable
from reelwork.runtime.misset import said_of
from reelwork.runtime.settings import MongoSettings
from reelwork.store.client import open_database
from reelwork.store.migrations import Applied, Migrations


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m gateway.migrate", description="Change what MongoDB holds.")
    parser.add_argument("command", choices=["up", "status"], help="do what is not done yet, or list all changes")
    command: str = parser.parse_args().command
    try:
        settings = MongoSettings()  # type: ignore[call-arg]  # from the environment
    except (ValidationError, SettingsError) as error:
        sys.exit(said_of(error))
    try:
        changes = asyncio.run(_carry_out(command, settings))
    except StoreUnavailable as error:
        sys.exit(error.detail)
    sys.stdout.write("".join(f"{_line(change)}\n" for change in changes) or "There is nothing to do.\n")


async def _carry_out(command: str, settings: MongoSettings) -> list[Applied]:
    async with open_database(settings.mongo()) as database:
        migrations = Migrations(database)
        return await (migrations.up(secrets.token_hex(8)) if command == "up" else migrations.status())


def _line(change: Applied) -> str:
    done = f"{change.done_at:%Y-%m-%d %H:%M}" if change.done_at is not None else "not yet"
    return f"{change.number:04}  {done:<16}  {change.name}"


if __name__ == "__main__":
    main()

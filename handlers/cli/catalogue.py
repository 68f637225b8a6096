"""flask catalogue ...: bring the province's catalogue here now instead of at the job's next turn."""

import click

from handlers.catalogue import sync as syncing
from handlers.cli.speaking import as_json, plainly, tell

RUNNING = "另一个进程正在同步，请稍后再试。 Another process is syncing: try again shortly."


@click.group("catalogue")
def group() -> None:
    """事项目录 / the catalogue of items."""


@group.command("sync")
@click.option("--force", is_flag=True, help="版本未变也重新同步 / even if the version is unchanged")
@as_json
@plainly
def sync(force: bool, as_json: bool) -> None:
    """同步省级事项目录 / bring the province's catalogue here."""
    done = syncing.sync(force=force)
    if not done.version:
        raise click.ClickException(RUNNING)
    tell(
        {"version": done.version, "items": done.items, "changed": done.changed, "unreadable": done.unreadable},
        as_json=as_json,
    )

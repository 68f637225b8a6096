"""flask templates ...: which of our message kinds goes out as which template of which mini-program."""

from typing import BinaryIO

import click

from handlers.cli.speaking import actor, plainly
from notifications import templates

MOST = 1024 * 1024


@click.group("templates")
def group() -> None:
    """消息模板 / message templates."""


@group.command("load")
@click.argument("file", type=click.File("rb"))
@plainly
def load(file: BinaryIO) -> None:
    """载入模板文件（JSON 数组），全部成功或全部不改 / load a file of templates, whole or not at all."""
    try:
        rows = templates.load(file.read(MOST + 1), actor=actor())
    except templates.BadTemplate as error:
        raise click.ClickException(f"模板文件有误，没有载入任何内容。 Nothing was loaded: {error}") from None
    click.echo(f"已载入 {rows} 个模板 / templates loaded")

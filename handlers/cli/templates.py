"""flask templates ...: which kind of message goes out as which template of which mini-program."""

from typing import BinaryIO

import click

from handlers.cli.speaking import actor, as_json, plainly, tell
from notifications import templates


@click.group("templates")
def group() -> None:
    """消息模板 / message templates."""


@group.command("load")
@click.argument("file", type=click.File("rb"))
@as_json
@plainly
def load(file: BinaryIO, as_json: bool) -> None:
    """从文件载入模板对应表（整体生效或完全不生效） / load the template table from a JSON file, whole or not at all.

    格式见 config/templates/sandbox.json，app_id 为 * 表示该渠道的全部小程序。
    See config/templates/sandbox.json; app_id * stands for every mini-program of the channel.
    """
    try:
        tell({"loaded": templates.load(file.read(), actor=actor())}, as_json=as_json)
    except templates.BadTemplate as error:
        raise click.ClickException(f"模板文件有误 / the file cannot be loaded: {error}") from None

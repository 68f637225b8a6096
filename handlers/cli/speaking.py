"""How the commands speak: readable lines or one JSON object; on failure one clear sentence and an exit code not 0."""

import json
import os
import pwd
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, ParamSpec, TextIO

import click
from sqlalchemy.exc import OperationalError

from app.core.errors import OutboundError, PlatformError, Problem

P = ParamSpec("P")
as_json = click.option(
    "--json", "as_json", is_flag=True, help="一个 JSON 对象，供脚本读取 / one JSON object, for scripts"
)


def actor() -> str:
    """Who the audit names for an act at the terminal: the account of the operating system that runs the command."""
    uid = os.geteuid()
    try:
        return f"cli:{pwd.getpwuid(uid).pw_name}"
    except KeyError:  # a container may run as a number nobody named
        return f"cli:{uid}"


def plainly(command: Callable[P, None]) -> Callable[P, None]:
    """Turn the refusals a person can act on into one sentence. A bug keeps its traceback."""

    @wraps(command)
    def spoken(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except Problem as problem:
            raise click.ClickException(sentence(problem)) from None
        except OperationalError:
            raise click.ClickException(
                "数据库连接不上，请检查 DATABASE_URL 和数据库是否在运行。"
                " The database cannot be reached: check DATABASE_URL and that PostgreSQL runs."
            ) from None
        except (OutboundError, PlatformError) as error:
            raise click.ClickException(
                f"对方系统没有正常答复，请稍后再试。 The other system gave no usable answer ({error}); try again later."
            ) from None

    return spoken


def sentence(problem: Problem) -> str:
    fields = "".join(f" [{error.field}: {error.code}]" for error in problem.errors)
    return f"{problem.text.zh} {problem.text.en} ({problem.code}){fields}"


def tell(values: Mapping[str, Any], *, as_json: bool) -> None:
    """The values as `name  value` lines, or as JSON."""
    if as_json:
        click.echo(json.dumps(dict(values), ensure_ascii=False))
        return
    width = max(map(len, values), default=0)
    for name, value in values.items():
        click.echo(f"{name:<{width}}  {_readable(value)}")


def _readable(value: Any) -> str:
    if value in (None, ""):
        return "-"
    return " ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def secret_from(given: TextIO | None, prompt: str) -> str:
    """A secret from a file or standard input (`-`), or typed unseen.

    Never an argument: every user of the machine can read a process's arguments, and the shell keeps them.
    """
    if given is None:
        return str(click.prompt(prompt, hide_input=True)).strip()
    return str(given.readline()).strip()

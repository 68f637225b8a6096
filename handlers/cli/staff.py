"""flask staff ...: accounts of those who run Tongban or build on it. Each command calls one function of identity."""

from typing import TextIO

import click

from config.staff import SCOPES, TOKEN_DAYS, TOKEN_MOST_DAYS
from handlers.cli.speaking import actor, as_json, plainly, secret_from, tell
from identity import staff as accounts
from identity import staff_tokens
from identity.staff_tokens import Minted

ID_PROMPT = "身份证号（输入不显示） / id number (not shown)"
ONCE = "令牌与验证器密钥只显示这一次，请立即保存。 Token and authenticator secret are shown this once: keep them now."

days = click.option(
    "--days",
    type=click.IntRange(1, TOKEN_MOST_DAYS),
    default=TOKEN_DAYS,
    show_default=True,
    help="令牌有效天数 / lifetime",
)
scopes = click.option(
    "--scope", "scopes", multiple=True, help="令牌权限，默认为角色全部 / all of the role's by default"
)


@click.group("staff")
def group() -> None:
    """工作人员账号 / staff accounts."""


@group.command("add")
@click.option("--organisation", required=True, help="机构代号或编号 / slug or id")
@click.option("--role", required=True, type=click.Choice(list(SCOPES)), help="角色，一个账号只有一个 / one an account")
@click.option("--name", required=True, help="姓名 / the person's name")
@click.option(
    "--id-number-file", type=click.File("r", encoding="utf-8"),
    help="存有身份证号的文件，- 为标准输入；不给则提示输入 / file holding the id number, - for standard input",
)  # fmt: skip
@scopes
@days
@as_json
@plainly
def add(
    organisation: str, role: str, name: str, id_number_file: TextIO | None, scopes: tuple[str, ...], days: int,
    as_json: bool,
) -> None:  # fmt: skip
    """新增账号，并显示一次令牌和验证器密钥 / add an account; shows its token and TOTP secret once.

    同一身份证号的多个账号视为同一人，不能互相审批。
    Accounts of one id number are one person and cannot approve each other's acts.
    """
    number = secret_from(id_number_file, ID_PROMPT)
    made = accounts.add(
        organisation, role, name=name, id_number=number, actor=actor(), scopes=scopes or None, days=days
    )
    tell(
        {
            "staff_id": made.staff_id, "human_id": made.human_id, "organisation_id": made.organisation_id,
            "role": made.role, **_shown(made.token), "totp_uri": made.totp_uri,
        },
        as_json=as_json,
    )  # fmt: skip
    click.echo(ONCE, err=True)


@group.command("token")
@click.argument("staff_id")
@scopes
@days
@as_json
@plainly
def token(staff_id: str, scopes: tuple[str, ...], days: int, as_json: bool) -> None:
    """再发一个令牌（最多两个同时有效） / one more token; two may live at a time."""
    tell(_shown(accounts.issue_token(staff_id, actor=actor(), scopes=scopes or None, days=days)), as_json=as_json)
    click.echo(ONCE, err=True)


@group.command("revoke")
@click.argument("token_id")
@plainly
def revoke(token_id: str) -> None:
    """撤销一个令牌，立即生效 / revoke a token, at once."""
    staff_tokens.revoke(token_id, actor=actor())
    click.echo(f"{token_id} 已撤销 / revoked")


@group.command("totp")
@click.argument("staff_id")
@as_json
@plainly
def totp(staff_id: str, as_json: bool) -> None:
    """更换验证器密钥，旧密钥立即失效 / a new authenticator secret; the old one dies at once."""
    tell({"totp_uri": accounts.renew_totp(staff_id, actor=actor())}, as_json=as_json)
    click.echo(ONCE, err=True)


@group.command("suspend")
@click.argument("staff_id")
@plainly
def suspend(staff_id: str) -> None:
    """停用账号，令牌立即失效 / suspend an account; its tokens are dead at once."""
    accounts.suspend(staff_id, actor=actor())
    click.echo(f"{staff_id} 已停用 / suspended")


@group.command("resume")
@click.argument("staff_id")
@plainly
def resume(staff_id: str) -> None:
    """恢复账号 / resume an account."""
    accounts.resume(staff_id, actor=actor())
    click.echo(f"{staff_id} 已恢复 / active")


@group.command("list")
@plainly
def listed() -> None:
    """全部账号与令牌，不含密钥 / all accounts and their tokens, no secrets."""
    for row in accounts.overview():
        click.echo(f"{row.staff_id}  {row.role:<13}  {row.state:<9}  {row.organisation}")
        for token in row.tokens:
            used = f"{token.last_used_at:%Y-%m-%d %H:%M}Z" if token.last_used_at else "-"
            state = "revoked" if token.revoked_at else f"until {token.expires_at:%Y-%m-%d}"
            click.echo(f"    {token.id}  {state}  last used {used}  {' '.join(token.scopes)}")


def _shown(token: Minted) -> dict[str, object]:
    return {
        "token_id": token.token_id, "token": token.text, "scopes": list(token.scopes),
        "expires_at": token.expires_at.isoformat(timespec="seconds"),
    }  # fmt: skip

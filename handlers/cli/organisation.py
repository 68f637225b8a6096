"""flask organisation ...: who runs Tongban and who builds on it."""

import click

from config.staff import KINDS
from handlers.cli.speaking import actor, as_json, plainly, tell
from identity import organisations


@click.group("organisation")
def group() -> None:
    """机构 / organisations."""


@group.command("add")
@click.option("--slug", required=True, help="代号：小写字母、数字、连字符 / lower-case letters, digits, hyphens")
@click.option("--name", required=True, help="机构名称 / its name")
@click.option("--kind", required=True, type=click.Choice(KINDS), help="province 省级运营方，integrator 接入方")
@as_json
@plainly
def add(slug: str, name: str, kind: str, as_json: bool) -> None:
    """新增机构 / add an organisation."""
    made = organisations.add(slug, name, kind, actor=actor())
    tell(
        {"organisation_id": made.id, "slug": made.slug, "kind": made.kind, "tenant_id": made.tenant_id}, as_json=as_json
    )


@group.command("list")
@plainly
def listed() -> None:
    """全部机构 / all organisations."""
    for row in organisations.overview():
        click.echo(f"{row.id}  {row.kind:<10}  {row.state:<9}  {row.slug}  {row.name}")


@group.command("suspend")
@click.argument("organisation")
@plainly
def suspend(organisation: str) -> None:
    """停用机构，其全部令牌立即失效 / suspend an organisation; all its tokens are dead at once."""
    found = organisations.suspend(organisation, actor=actor())
    click.echo(f"{found.slug} 已停用 / suspended")

"""flask audit ...: prove that the audit is whole, or seal what was committed since the last seal."""

from dataclasses import asdict

import click

from app.core import audit
from handlers.cli.speaking import as_json, plainly, tell


@click.group("audit")
def group() -> None:
    """审计链 / the audit's chain."""


@group.command("verify")
@as_json
@plainly
def verify(as_json: bool) -> None:
    """从头核对审计链，有一处不符即失败 / walk the whole chain; fails at the first bad row."""
    found = audit.verify_chain()
    tell(asdict(found), as_json=as_json)
    if not found.ok:
        raise click.ClickException(_sentence(found))


def _sentence(found: audit.Verdict) -> str:
    if found.bad_seq is None:
        return (
            f"有 {found.unsealed} 条记录超过五秒未入链，请检查后台任务，或运行 flask audit seal。"
            f" {found.unsealed} rows have been waiting for the chain over five seconds: see that the worker runs."
        )
    return (
        f"审计链第 {found.bad_seq} 条不符（{found.reason}），请立即保护现场并报告。"
        f" The chain is bad at row {found.bad_seq} ({found.reason}): preserve everything and report it."
    )


@group.command("seal")
@plainly
def seal() -> None:
    """把已提交的记录入链并锚定 / give committed rows their place in the chain and anchor its head."""
    count = audit.seal_pending()
    anchored = audit.anchor(force=True)
    click.echo(f"已入链 {count} 条 / rows sealed；{'已锚定 / anchored' if anchored else '链头未变 / head unchanged'}")

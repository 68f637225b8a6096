"""flask services ...: an integrator registers a service from a manifest file; a second person publishes it.

The caller is proven by their personal token, as over HTTP: having the machine does not make anybody an integrator.
"""

from typing import BinaryIO, TextIO

import click

from app.core import strictjson
from app.core.errors import Problem
from app.core.principal import StaffPrincipal
from handlers.cli.speaking import as_json, plainly, secret_from, tell
from handlers.gateway import registration
from identity import staff_tokens

WRITE = "services:write"
MANIFEST_MOST = 256 * 1024
TOKEN_PROMPT = "个人令牌（输入不显示） / personal token (not shown)"


@click.group("services")
def group() -> None:
    """接入服务 / services of integrators."""


@group.command("register")
@click.argument("manifest", type=click.File("rb"))
@click.option(
    "--token-file",
    "--token",
    "token_file",
    type=click.File("r", encoding="utf-8"),
    help="存有个人令牌的文件，不给则提示输入 / file holding your token; asked for if not given",
)
@as_json
@plainly
def register(manifest: BinaryIO, token_file: TextIO | None, as_json: bool) -> None:
    """登记服务清单（JSON 文件，- 为标准输入），等待第二人审批 / register a manifest; a second person publishes it."""
    document = _document(manifest)
    staff = _proven(secret_from(token_file, TOKEN_PROMPT))
    version = registration.register_manifest(staff, document)
    tell(
        {
            "service_id": version.service_id, "version": version.version, "state": version.state,
            "approval_id": version.approval_id, "manifest_hash": version.manifest_hash,
        },
        as_json=as_json,
    )  # fmt: skip


def _document(manifest: BinaryIO) -> object:
    try:
        return strictjson.loads(manifest.read(MANIFEST_MOST + 1), max_bytes=MANIFEST_MOST, integers="client")
    except strictjson.InvalidJson as error:
        raise Problem("invalid_json", detail={"reason": error.reason}) from None


def _proven(token: str) -> StaffPrincipal:
    found = staff_tokens.principal_from(token)
    if found is None:
        raise Problem("staff_unauthenticated")
    if WRITE not in found.scopes:
        raise Problem("scope_missing")
    return found

"""People and a service for the bench, made through the application's own code: `python -m bench.seed ORDER.json`.

It runs in a process of its own with the application's settings. Citizens are signed in as after a login, their L2
proof is a row of evidence, their sessions come from identity.sessions; the service is registered by an integrator and
approved by a second human. The same tokens are then written down for the peers in their own form.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

import redis

from app import create_app
from app.core import approvals, audit, chinaid, clock
from app.core.db import ALL_TENANTS, transaction
from app.core.events import Event
from app.core.ids import new_id
from app.core.principal import StaffPrincipal
from app.platforms.base import ChannelIdentity
from config.limits import LIMITS
from config.settings import get_settings
from handlers.gateway import floors, gate, registration
from identity import accounts, organisations, sessions, staff, staff_tokens
from identity.models import Evidence

CHANNEL = "wechat"
REGION = "990000000000"
ITEM = "11990000MB0000001M2992014012001"
PREFIX = "/ebus/bench"
PATTERNS = ("/cards/{card_no}", "/echo/{number}")
LEVEL = 2
BATCH = 200


def manifest(port: int) -> dict[str, Any]:
    return {
        "slug": "bench-cards",
        "name": {"zh": "社会保障卡进度查询", "en": "Progress of a social security card"},
        "owner": "11990000MB0000001M",
        "contact": "示例省人社厅信息中心 12345",
        "item_codes": [ITEM],
        "regions": [REGION],
        "channels": [CHANNEL],
        "entry": "api",
        "upstream": {
            "base_url": f"http://127.0.0.1:{port}", "path_prefix": PREFIX, "scheme": "tif",
            "credential": "province", "concurrency": 128,
        },
        "operations": [{"method": "GET", "path": path, "write": False, "identity": "none"} for path in PATTERNS],
        "min_level": f"L{LEVEL}",
        "identity": "none",
        "security_promise": True,
    }  # fmt: skip


def publish(port: int) -> str:
    """The id of the live service: submitted by one human, approved by another."""
    province = organisations.add("bench-province", "示例省", "province", actor="bench").id
    integrator = organisations.add("bench-integrator", "示例厅", "integrator", actor="bench").id
    _tell_floor()
    version = registration.register_manifest(_person(integrator, "integrator", 1), manifest(port))
    approver = _person(province, "approver", 2)
    audit.seal_pending()
    with transaction(ALL_TENANTS) as db:
        asked = approvals.get(db, version.approval_id or "")
        approvals.approve(db, asked.id, approver, asked.payload_hash)
    return version.service_id


def _tell_floor() -> None:
    """As the catalogue's event would."""
    data = {"min_level": "L1", "status": "ACTIVE"}
    with transaction(ALL_TENANTS) as db:
        floors.hear(db, Event(new_id("ev"), "item.changed", "province", ITEM, data, clock.now()))


def _person(organisation: str, role: str, serial: int) -> StaffPrincipal:
    digits = f"99000019800101{serial:03d}"
    added = staff.add(organisation, role, name="测试员", id_number=digits + chinaid.id_check(digits), actor="bench")
    found = staff_tokens.principal_from(added.token.text)
    if found is None:
        raise RuntimeError("a token just minted is not known")
    return found


def citizens(app_id: str, name: str, count: int, *, proved: bool) -> list[dict[str, str]]:
    """Sessions of new citizens, at L2 if `proved`, else at L1."""
    made: list[dict[str, str]] = []
    for start in range(0, count, BATCH):
        with transaction() as db:
            for number in range(start, min(start + BATCH, count)):
                account = accounts.sign_in(db, CHANNEL, app_id, ChannelIdentity(openid=f"o-{name}-{number:06d}"))
                if proved:
                    db.add(
                        Evidence(
                            id=new_id("ee"), account_id=account.id, citizen_id=account.citizen_id, level=LEVEL,
                            method="real_name", obtained_at=clock.now(),
                        )
                    )  # fmt: skip
                    db.flush()
                token = sessions.start(db, account).token
                made.append({"token": token, "account": account.id})
    return made


def write_for_peers(people: dict[str, list[dict[str, str]]], app: str) -> None:
    """The same tokens in the peers' form, in the same Redis, under keys of their own."""
    expires = int(time.time()) + get_settings().session_absolute_s
    client = redis.Redis.from_url(get_settings().redis_url.get_secret_value())
    pipe = client.pipeline(transaction=False)
    for name, group in people.items():
        for one in group:
            session = {"account": one["account"], "app": app, "exp": expires, "level": 1 if name == "low" else LEVEL}
            key = f"peer:session:{sessions.hash_of(one['token'])}"
            pipe.set(key, json.dumps(session), ex=get_settings().session_absolute_s)
    pipe.execute()


def world(service_id: str, order: dict[str, Any], app: str) -> dict[str, Any]:
    """What peers and gate are told."""
    settings, rule = get_settings(), LIMITS[gate.ACTION]
    return {
        "app": app,
        "service_id": service_id,
        "paas_id": settings.province_paas_id,
        "paas_token": settings.province_paas_token.get_secret_value(),
        "redis": settings.redis_url.get_secret_value(),
        "database": order["database"],
        "burst": rule.capacity,
        "per_s": rule.per_s,
        "interval_us": round(1_000_000 / rule.per_s),
        "services": [
            {
                "id": service_id, "level": LEVEL, "base_url": f"http://127.0.0.1:{order['upstream']}",
                "prefix": PREFIX, "region": REGION, "patterns": PATTERNS,
            }
        ],
    }  # fmt: skip


def main() -> None:
    order = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    create_app()
    app_id = get_settings().wechat_apps[0].app_id
    app = f"{CHANNEL}/{app_id}"
    service_id = publish(order["upstream"])
    people = {name: citizens(app_id, name, count, proved=name != "low") for name, count in order["people"].items()}
    write_for_peers(people, app)
    told = world(service_id, order, app) | {"people": people}
    Path(order["out"]).write_text(json.dumps(told), encoding="utf-8")


if __name__ == "__main__":
    main()

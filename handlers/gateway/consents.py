"""What a citizen agrees to before a service learns who they are: a purpose each, its text made from the manifest.

The text names the recipient, each field and what it is for, so a new version that asks for more is a new text and the
old consent no longer holds (PIPL articles 14 and 23).
"""

from typing import Final

from config.consents import ConsentText
from handlers.gateway import registry
from handlers.gateway.manifest import Manifest
from identity import consent

PREFIX: Final = "service"
VERSION: Final = "1"
NAMES: Final = {
    "name": ("姓名", "name"), "id_number": ("身份证号", "id number"), "name_masked": ("脱敏姓名", "masked name"),
    "id_number_masked": ("脱敏身份证号", "masked id number"), "birth_on": ("出生日期", "date of birth"),
    "birth_year": ("出生年份", "year of birth"), "gender": ("性别", "gender"),
}  # fmt: skip


def purpose_of(service_id: str) -> str:
    return f"{PREFIX}:{service_id}"


def text_of(purpose: str) -> ConsentText | None:
    """The text for this service as it is published now; None when it is not, or learns nothing of anybody."""
    published = registry.find(purpose.partition(":")[2])
    if published is None or not published.manifest.hands_over_identity:
        return None
    zh, en = _words(published.manifest)
    return ConsentText(purpose, VERSION, f"{published.manifest.name_zh}（{published.manifest.owner}）", zh, en)


def _words(manifest: Manifest) -> tuple[str, str]:
    given_zh = "、".join(f"{NAMES[one.name][0]}（用于{one.purpose}）" for one in manifest.fields)
    given_en = ", ".join(f"{NAMES[one.name][1]} (for {one.purpose})" for one in manifest.fields)
    zh = f"为办理“{manifest.name_zh}”，将向办理部门提供您的身份凭证" + (f"和{given_zh}" if given_zh else "")
    en = f"To serve you, “{manifest.name_en}” is given proof of who you are" + (f" and {given_en}" if given_en else "")
    return f"{zh}，仅用于本次服务。您可以随时撤回。", f"{en}, for this service only. You may withdraw at any time."


def install() -> None:
    consent.offer(PREFIX, text_of)

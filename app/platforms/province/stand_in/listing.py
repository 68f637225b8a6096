"""The bundled catalogue (config/catalogue/*.csv) as the contract's Item, Guide, region and package (province.md 3.3).

Read once per process. The version is the digest of the files: change a row and the snapshot has a new name.
"""

import csv
import hashlib
import io
from functools import lru_cache
from importlib.resources import files
from typing import Any, Final

Row = dict[str, str]
FILES: Final = ("items", "materials", "certificates", "packages", "bodies", "regions")
PROVINCE_REGION: Final = "990000000000"
UPDATED_AT: Final = 1767225600000  # 2026-01-01 in +08:00, the day the bundled guides were written

TYPES: Final = {
    "行政许可": "01",
    "行政给付": "05",
    "行政确认": "07",
    "行政奖励": "08",
    "其他行政权力": "10",
    "公共服务": "20",
}
FORMS: Final = {
    "ONLINE": ["ONLINE", "WINDOW"],
    "WINDOW": ["WINDOW"],
    "JOINT": ["ONLINE", "WINDOW"],
    "COLLECT": ["WINDOW"],
}
OBJECTS: Final = {"person": ["person"], "enterprise": ["enterprise"], "both": ["person", "enterprise"]}
SOURCES: Final = {"CERT": "government", "SHARE": "government", "DECLARE": "applicant", "ASK": "applicant"}
OBTAIN: Final = {"CERT": "cert", "SHARE": "share", "DECLARE": "declare", "ASK": "ask"}
STEPS: Final = {
    "IMMEDIATE": [("申请", "申请人"), ("办结", "审批部门")],
    "PROMISED": [("申请", "申请人"), ("受理", "窗口"), ("审查", "审批部门"), ("决定", "审批部门"), ("送达", "窗口")],
}


class Listing:
    """All rows by key, and the contract's shapes made from them."""

    def __init__(self, texts: dict[str, str]) -> None:
        tables = {name: list(csv.DictReader(io.StringIO(text, newline=""))) for name, text in texts.items()}
        self.version = "c" + hashlib.sha256("\0".join(texts[name] for name in FILES).encode()).hexdigest()[:12]
        self._bodies = {row["kind"]: row for row in tables["bodies"]}
        self._materials = {row["key"]: row for row in tables["materials"]}
        self._certificates = {row["key"]: row for row in tables["certificates"]}
        self._rows = {row["code"]: row for row in tables["items"]}
        self._codes = {row["key"]: row["code"] for row in tables["items"]}
        self.items = {code: self._item(row) for code, row in self._rows.items()}
        self.regions = [_region(row) for row in tables["regions"]]
        self.packages = {row["code"]: self._package(row) for row in tables["packages"]}

    def _item(self, row: Row) -> dict[str, Any]:
        supports = _split(row["supports"])
        body = self._bodies[row["department_kind"]]
        return {
            "code": row["code"],
            "basicCode": row["basic_code"],
            "name": row["name_zh"],
            "nameEn": row["name_en"],
            "aliases": _split(row["aliases_zh"]),
            "type": TYPES[row["type"]],
            "version": row["item_version"],
            "org": {"uscc": body["uscc"], "name": body["name_zh"]},
            "level": "2",
            "region": PROVINCE_REGION,
            "objects": OBJECTS[row["object"]],
            "caseType": row["case_type"],
            "legalLimit": {"n": int(row["legal_days"]), "unit": "WD"},
            "promiseLimit": {"n": int(row["promise_days"]), "unit": "WD"},
            "visits": int(row["visits"]),
            "forms": FORMS[row["mode"]] + (["EXPRESS"] if "express" in supports else []),
            "online": "IV" if row["mode"] == "ONLINE" and row["visits"] == "0" else "III",
            "scope": row["scope"],
            "charge": {"has": row["fee"] == "paid"},
            "minLevel": row["min_level"],
            "supports": {name: name in supports for name in ("appoint", "pay", "express", "agent")},
            "themes": [row["life_stage"]],
            "subject": row["theme"],
            "status": "ACTIVE",
        }

    def guide(self, code: str) -> dict[str, Any]:
        """The item's guide, or KeyError. Only names are facts (config/catalogue/README.md)."""
        row = self._rows[code]
        item = self.items[code]
        window = {
            "name": f"示例省政务服务大厅{item['org']['name'].removeprefix('示例省')}窗口",
            "address": "示例省示例一市东城区示例路1号",
        }
        return {
            **item,
            "conditions": [f"符合“{item['name']}”的办理条件，材料齐全。"],
            "materials": [self._material(key) for key in _split(row["materials"])],
            "steps": [{"name": name, "role": role, "limit": ""} for name, role in STEPS[row["case_type"]]],
            "fees": [{"name": "按标准收取", "basis": "以窗口公示为准"}] if item["charge"]["has"] else [],
            "results": self._results(row),
            "places": [window | {"hours": "工作日 9:00-17:00", "phone": "10000000000"}],
            "legal": [],
            "contacts": {"advice": "12345", "supervise": "12345"},
            "faq": [],
            "updatedAt": UPDATED_AT,
        }

    def _material(self, key: str) -> dict[str, Any]:
        row = self._materials[key]
        certificate = self._certificates.get(row["cert_type"])
        return {
            "key": key,
            "name": row["name_zh"],
            "required": True,
            "copies": 1,
            "source": SOURCES[row["kind"]],
            "obtainBy": OBTAIN[row["kind"]],
            "certType": certificate["code"] if certificate else "",
            "share": row["share_resource"],
            "trustMin": "A" if row["kind"] in {"CERT", "SHARE"} else "C",
            "lateAllowed": False,
        }

    def _results(self, row: Row) -> list[dict[str, Any]]:
        delivery = ["WINDOW", "ELECTRONIC"] + (["EXPRESS"] if "express" in row["supports"] else [])
        return [
            {
                "kind": "CERT",
                "certType": self._certificates[key]["code"],
                "name": self._certificates[key]["name_zh"],
                "delivery": delivery,
            }
            for key in _split(row["result_cert"])
        ]

    def _package(self, row: Row) -> dict[str, Any]:
        needs: dict[str, list[str]] = {}
        for pair in _split(row["depends"]):
            first, _, then = pair.partition(">")
            needs.setdefault(then, []).append(self._codes[first])
        members = [
            {"code": self._codes[key], "required": starred, "dependsOn": needs.get(key, [])}
            for key, starred in ((member.lstrip("*"), member.startswith("*")) for member in _split(row["members"]))
        ]
        return {
            "id": row["code"],
            "name": row["name_zh"],
            "nameEn": row["name_en"],
            "org": self._bodies[row["lead_department"]]["uscc"],
            "themes": [row["life_stage"]],
            "objects": OBJECTS[row["object"]],
            "members": members,
            "questions": [self._question(text) for text in _split(row["questions"])],
        }

    def _question(self, text: str) -> dict[str, Any]:
        key, question, adds = text.split("~")
        return {"key": key, "text": question, "adds": [self._codes[item] for item in adds.split(",")]}


def _region(row: Row) -> dict[str, str]:
    return {"code": row["code"], "parent": row["parent"], "name": row["name_zh"], "level": row["level"]}


def _split(cell: str) -> list[str]:
    return [part for part in cell.split("|") if part]


@lru_cache(maxsize=1)
def listing() -> Listing:
    """The bundled catalogue of this installation."""
    folder = files("config").joinpath("catalogue")
    return Listing({name: folder.joinpath(f"{name}.csv").read_text("utf-8") for name in FILES})

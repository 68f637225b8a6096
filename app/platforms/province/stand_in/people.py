"""The population base: who exists, and what happens to each when asked (the province's magic values).

The four of app/platforms/personas.py behave; the rest each show one trouble. Besides them every id number of region
990190 with a right check digit is the crowd's: it belongs to whoever says it under a name beginning 测试, for load and
for runs that need a stranger. Those of them born before 1930 have died.
"""

import hashlib
from dataclasses import dataclass
from typing import Final

from app.platforms.personas import PERSONAS

CROWD_REGION: Final = "990190"
CROWD_NAME: Final = "测试"
CROWD_DIED_BEFORE: Final = 1930
PHOTO_OUTCOMES: Final = ("PASS", "FAIL", "NO_PHOTO", "HAND")


@dataclass(frozen=True)
class Person:
    """`twist`: what a two-factor check does instead of answering; `face`: how a compare ends, HAND = not by itself."""

    name: str
    id_number: str
    note: str
    twist: str = ""
    face: str = "PASS"

    @property
    def subject_id(self) -> str:
        """Scoped to the caller and stable over restarts, as a real authority's handle is."""
        return "sj" + hashlib.sha256(b"stand-in subject " + self.id_number.encode()).hexdigest()[:26]


# twist: deceased -> NOT_FOUND, unsure -> UNSURE, hang, or the contract's code to answer with
TROUBLED: Final[tuple[Person, ...]] = (
    Person("周福根", "990101193802110012", "已去世：户籍已注销 deceased", twist="deceased"),
    Person("吴可疑", "990101197506060012", "信息待核实 UNSURE", twist="unsure"),
    Person("郑无声", "990101198001010030", "查询一直不返回 the check hangs", twist="hang"),
    Person("冯故障", "99010119810101002X", "系统错误 answers 50001", twist="50001"),
    Person("钱维护", "990101198201010019", "系统维护 answers 50301", twist="50301"),
    Person("蒋频繁", "990101198301010032", "限流 answers 42901", twist="42901"),
    Person("孙不像", "990101198401010013", "人脸比对不通过 the face fails", face="FAIL"),
    Person("沈无照", "990101198501010010", "没有底图 no photo on record", face="NO_PHOTO"),
    Person("韩手动", "990101198601010034", "人脸结果由人工决定 decided by hand", face="HAND"),
)
EVERYBODY: Final[tuple[Person, ...]] = (
    *(Person(one.name, one.id_number, one.note) for one in PERSONAS),
    *TROUBLED,
)
_BY_NUMBER: Final = {person.id_number: person for person in EVERYBODY}


def find(id_number: str, name: str) -> Person | None:
    """Who holds this number. `name` matters only for the crowd, where the number belongs to whoever says it."""
    if id_number.startswith(CROWD_REGION) and _check(id_number):
        return _of_the_crowd(id_number, name)
    return _BY_NUMBER.get(id_number)


def _of_the_crowd(id_number: str, name: str) -> Person:
    """Under a name that is not the crowd's the number is somebody else's; born before 1930, they have died."""
    twist = "deceased" if int(id_number[6:10]) < CROWD_DIED_BEFORE else ""
    return Person(name if name.startswith(CROWD_NAME) else CROWD_NAME, id_number, "crowd", twist=twist)


def _check(id_number: str) -> bool:
    if len(id_number) != 18 or not id_number[:17].isdecimal():  # noqa: PLR2004  GB 11643: eighteen characters
        return False
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    total = sum(int(digit) * weight for digit, weight in zip(id_number[:17], weights, strict=True))
    return "10X98765432"[total % 11] == id_number[17]

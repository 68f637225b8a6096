"""The synthetic people every stand-in knows (province.md 3.8): region 99 does not exist, so neither does anyone here.

Only stand-ins, the demo and the tests read this table: one cast, so that a face finished in the WeChat stand-in and a
name checked by the province stand-in speak of the same person. Plain data; production rooms never import it.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Persona:
    """`key` names the person in control calls; `note` says on the play pages what is special about them."""

    key: str
    name: str
    id_number: str
    note: str


PERSONAS: Final[tuple[Persona, ...]] = (
    Persona("adult", "李明", "990101199003070015", "成年人，一切正常 adult, everything passes"),
    Persona("other", "王芳", "990101198812120022", "另一位成年人 another adult: must never see Li's matters"),
    Persona("minor", "赵小宝", "990102201506010037", "未满十四周岁 under fourteen: needs a guardian's consent"),
    Persona("elder", "陈桂英", "990101194501010047", "老年人 an elder"),
)

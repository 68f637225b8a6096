"""What we tell citizens: the kinds of message and their wording for the inbox, Chinese first, English beside.

Plain data, checked by notifications at install. A template row maps a kind onto one app's template; it is loaded by
`flask templates load FILE`, because template ids are issued by the platform per mini-program. What a channel accepts in
a field (lengths, types) is its own folder's knowledge.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Wording:
    """Title and body of one language; `{{name}}` stands for a value of the kind, anything else is literal."""

    title: str
    body: str


@dataclass(frozen=True)
class Kind:
    """One kind of message. `values` names what it may show, with the longest each may be in characters.

    `page` is the mini-program page a tap opens and `about` the value that names what it is about. `by_operator`: staff
    may send it through /ops/v1; the others come from events only. `keep_s`: how long a push is worth sending; the inbox
    keeps it for good.
    """

    values: dict[str, int]
    zh: Wording
    en: Wording
    page: str | None = None
    about: str | None = None
    by_operator: bool = False
    keep_s: int = 3 * 24 * 3600


STAMP: Final = "at"  # the value every kind may show without anybody giving it: when it was said, Beijing time

KINDS: Final[dict[str, Kind]] = {
    "case_progress": Kind(
        values={
            "case_id": 40, "case_no": 64, "item_name": 200, "state_text": 40, "state_text_en": 80, "state_phrase": 5,
            "at": 20,
        },
        zh=Wording(
            "办件进度：{{state_phrase}}", "您申请的“{{item_name}}”{{state_text}}。点开可查看详情和下一步。（{{at}}）"
        ),
        en=Wording(
            "Your case: {{state_text_en}}",
            "“{{item_name}}”: {{state_text_en}}. Open the case to see what to do next. ({{at}})",
        ),
        page="pages/case/detail?id={{case_id}}",
        about="case_id",
    ),
    "service_notice": Kind(
        values={"title": 60, "content": 500, "at": 20},
        zh=Wording("{{title}}", "{{content}}"),
        en=Wording("{{title}}", "{{content}}"),
        by_operator=True,
    ),
}  # fmt: skip

"""The private templates of the sandbox's mini-programs, as `gettemplate` would list them.

Ids have the real shape (43 of [A-Za-z0-9_-]) and are fixed, so tests and manifests can name them.
"""

import re
from dataclasses import dataclass
from typing import Final

ONE_TIME: Final = 2
LONG_TERM: Final = 3


@dataclass(frozen=True)
class Template:
    """`kind` 2 one-time, 3 long-term (templates guide); `content` as in the console."""

    template_id: str
    title: str
    kind: int
    content: str

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(re.findall(r"\{\{(\w+)\.DATA\}\}", self.content))


def _id(word: str) -> str:
    return f"TB-{word}-".ljust(43, "0")


CASE_PROGRESS: Final = _id("case-progress")
CASE_DONE: Final = _id("case-done")
NOTICE: Final = _id("notice")

TEMPLATES: Final[dict[str, Template]] = {
    template.template_id: template
    for template in (
        Template(
            CASE_PROGRESS,
            "办件进度提醒",
            ONE_TIME,
            "事项名称:{{thing1.DATA}}\n办理状态:{{phrase2.DATA}}\n更新时间:{{time3.DATA}}\n"
            "办件编号:{{character_string4.DATA}}\n",
        ),
        Template(
            CASE_DONE,
            "办结通知",
            ONE_TIME,
            "事项名称:{{thing1.DATA}}\n办理结果:{{phrase2.DATA}}\n办结时间:{{time3.DATA}}\n",
        ),
        Template(
            NOTICE,
            "政务服务通知",
            LONG_TERM,
            "通知标题:{{thing1.DATA}}\n通知内容:{{thing2.DATA}}\n发布时间:{{time3.DATA}}\n",
        ),
    )
}

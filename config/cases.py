"""The words people read for each state of a case; plain data for handlers/cases and for the messages about it.

The moves between states are code (handlers/cases/states.py), and an install check holds both to the same set.
"""

from typing import Final, NamedTuple


class StateWords(NamedTuple):
    """`zh` and `en` for a page; `phrase` for a message field of at most five Chinese characters (wechat.md 4.2)."""

    zh: str
    en: str
    phrase: str


STATE_WORDS: Final[dict[str, StateWords]] = {
    # ours, before the province has it
    "queued": StateWords("正在提交", "Being submitted", "提交中"),
    "unknown": StateWords(
        "正在与办理机关核对，请勿重复提交", "Being checked with the authority: do not file again", "核对中"
    ),
    "refused": StateWords("未能提交，请核对后重新申请", "Could not be filed: check it and apply again", "未提交"),
    # the province's (province.md 1.4; labels of its citizen column)
    "draft": StateWords("待提交", "Not submitted", "待提交"),
    "submitted": StateWords("已提交，待预审", "Submitted, awaiting pre-review", "待预审"),
    "pre_rejected": StateWords("预审退回，请按意见修改", "Returned by pre-review: correct it as noted", "预审退回"),
    "pre_passed": StateWords("预审通过", "Pre-review passed", "审批中"),
    "wait_receive": StateWords("等待收件", "Waiting to be received", "审批中"),
    "received": StateWords("已收件", "Received", "审批中"),
    "correction": StateWords("需要补正材料", "Materials have to be corrected", "待补正"),
    "accepted": StateWords("已受理", "Accepted", "已受理"),
    "approved": StateWords("审批通过", "Approved", "审批中"),
    "rejected": StateWords("审批未通过", "Not approved", "审批中"),
    "done": StateWords("已办结", "Concluded", "已办结"),
    "not_accepted": StateWords("不予受理", "Not accepted", "不予受理"),
    "withdrawn": StateWords("已撤回", "Withdrawn", "已撤回"),
    "terminated": StateWords("已终止", "Ended", "已终止"),
}

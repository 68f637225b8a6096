"""Every stable problem code: its status and the sentence people read, Chinese first, English beside.

A sentence says what to do next and holds nothing internal. Codes are part of the public contract: add, never rename.
"""

from typing import Final, NamedTuple


class ProblemText(NamedTuple):
    """HTTP status and the two sentences of one code."""

    status: int
    zh: str
    en: str


PROBLEMS: Final[dict[str, ProblemText]] = {
    # --- the edge -------------------------------------------------------------------------------------------------
    "invalid_json": ProblemText(
        400, "请求内容不是有效的 JSON，请检查后重试。", "The body is not valid JSON. Check it and try again."
    ),
    "bad_request": ProblemText(400, "请求有误，请检查后重试。", "The request is malformed. Check it and try again."),
    "invalid_fields": ProblemText(
        422, "有内容填写不正确，请按提示修改。", "Some fields are not right. Correct those listed and try again."
    ),
    "repeated_parameter": ProblemText(
        400, "同一个参数出现了多次，请只保留一个。", "A parameter was given more than once. Send it once."
    ),
    "token_in_url": ProblemText(
        400, "请不要把登录凭证放在网址里。", "Never put a token in the URL. Send it in the Authorization header."
    ),
    "app_required": ProblemText(
        400, "缺少小程序标识，请升级小程序后重试。", "X-App is missing or unknown. Send X-App: <channel>/<app id>."
    ),
    "idempotency_key_required": ProblemText(
        400, "缺少防重复提交的标识，请重试。", "Idempotency-Key is required: send 8 to 64 letters, digits, - or _."
    ),
    "idempotency_key_reused": ProblemText(
        422,
        "这个提交标识已用于别的内容，请重新提交。",
        "This Idempotency-Key was used with another body. Use a new key.",
    ),
    "still_running": ProblemText(
        409,
        "上一次提交还在处理，请稍等片刻再查看。",
        "The first request with this key is still running. Ask again shortly.",
    ),
    "outcome_unknown": ProblemText(
        504,
        "对方系统没有回音，结果还不确定。请先不要重复提交，稍后查看办理进度。",
        "The other system did not answer; the outcome is not known yet. Do not submit again: check the progress later.",
    ),
    "unauthenticated": ProblemText(401, "请先登录。", "Please log in first."),
    "forbidden": ProblemText(403, "您没有权限做这个操作。", "You may not do this."),
    "not_found": ProblemText(404, "没有找到您要的内容。", "Not found."),
    "method_not_allowed": ProblemText(405, "不支持这种请求方式。", "This method is not allowed here."),
    "not_acceptable": ProblemText(406, "无法按要求的格式返回内容。", "Nothing acceptable can be sent."),
    "conflict": ProblemText(
        409, "当前状态不能这样操作，请刷新后再看。", "The current state does not allow this. Reload and look again."
    ),
    "precondition_required": ProblemText(
        428, "请先读取最新内容再修改。", "Read the current version first and send If-Match."
    ),
    "precondition_failed": ProblemText(
        412, "内容已被修改，请刷新后重试。", "It has changed since you read it. Reload and try again."
    ),
    "too_large": ProblemText(413, "提交的内容太大，请减少后重试。", "The body is too large. Send less."),
    "unsupported_media_type": ProblemText(415, "请用 JSON 格式提交。", "Send application/json in UTF-8."),
    "too_many_requests": ProblemText(429, "操作太频繁，请稍后再试。", "Too many requests. Wait as Retry-After says."),
    "internal_error": ProblemText(
        500,
        "系统出了点问题，我们已经知道了，请稍后再试。",
        "Something broke on our side; we have been told. Try again later.",
    ),
    "unavailable": ProblemText(503, "服务暂时繁忙，请稍后再试。", "Temporarily unavailable. Try again after a while."),
}

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
    # --- staff ----------------------------------------------------------------------------------------------------
    "staff_unauthenticated": ProblemText(
        401,
        "令牌无效或已失效，请换用有效的个人令牌。",
        "The personal token is not valid, or no longer. Use a live one: Authorization: Bearer tbp_...",
    ),
    "scope_missing": ProblemText(
        403,
        "这个令牌没有此项权限，请联系管理员。",
        "This token's scopes do not cover the call. Ask an administrator.",
    ),
    "step_up_required": ProblemText(
        403,
        "请输入验证器上新的动态口令后重试。",
        "Send a fresh code of your authenticator in X-TOTP; each code works once.",
    ),
    "organisation_taken": ProblemText(
        409, "这个机构代号已被使用，请换一个。", "An organisation of this slug exists. Choose another."
    ),
    "organisation_unknown": ProblemText(
        404, "没有这个机构，请检查代号。", "There is no such organisation. Check its slug or id."
    ),
    "organisation_suspended": ProblemText(409, "该机构已停用。", "The organisation is suspended."),
    "role_not_here": ProblemText(
        422,
        "该角色不能设在这个机构：接入方人员属于接入方机构，其他角色属于省级机构。",
        "The role does not fit: integrators belong to an organisation of kind integrator, all others to one of kind province.",
    ),
    "staff_exists": ProblemText(
        409, "此人在该机构已有这个角色的账号。", "This person already has an account of this role in this organisation."
    ),
    "staff_unknown": ProblemText(404, "没有这个工作人员账号。", "There is no such staff account."),
    "staff_suspended": ProblemText(409, "该账号已停用。", "The account is suspended."),
    "requester_suspended": ProblemText(
        409,
        "申请人的账号已停用，请由在职人员重新申请。",
        "The account that asked for this is suspended. Somebody active must ask again.",
    ),
    "tokens_enough": ProblemText(
        409,
        "该账号已有两个有效令牌，请先撤销一个。",
        "The account has two live tokens already. Revoke one first.",
    ),
    # --- two people -----------------------------------------------------------------------------------------------
    "approval_needs_another_person": ProblemText(
        403,
        "需要由另一位同事审批，申请人和编辑者不能审批。",
        "Another person must approve this: not who asked for it or wrote it.",
    ),
    "approval_changed": ProblemText(
        409,
        "内容与您看到的不一致，请刷新后重新核对。",
        "This is not what you saw. Reload, check it again, and approve what it says now.",
    ),
    "approval_expired": ProblemText(
        409, "申请已超过二十四小时，请重新提交。", "More than 24 hours have passed. Ask for it again."
    ),
    "approval_closed": ProblemText(
        409, "这项申请已经处理过了。", "This request has already been approved, refused or closed."
    ),
    # --- identity -------------------------------------------------------------------------------------------------
    "code_refused": ProblemText(
        401,
        "登录凭证已失效，请重新进入小程序登录。",
        "The login code is wrong, expired or used. Call wx.login for a new one and log in again.",
    ),
    "login_unavailable": ProblemText(
        503,
        "暂时无法登录，请稍候重新进入小程序。",
        "Logging in is not possible right now. Wait as Retry-After says, then fetch a new code.",
    ),
    "assurance_too_low": ProblemText(
        403,
        "办理这项服务前，需要先完成身份核验。请选择一种方式。",
        "This needs a stronger or fresher proof of identity. Choose one of the methods listed.",
    ),
    "consent_required": ProblemText(
        403, "请先阅读并同意相关说明。", "Your consent is needed first: read the text named here and accept it."
    ),
    "consent_outdated": ProblemText(
        409,
        "说明内容已更新，请重新阅读后再同意。",
        "That text has a newer version. Read it and accept the version named here.",
    ),
    "identity_not_matched": ProblemText(
        422,
        "姓名与身份证号核验未通过，请核对后重试；也可以到窗口核验。",
        "Name and id number could not be verified. Check both and try again, or use another method listed.",
    ),
    "identity_fixed": ProblemText(
        409,
        "本账号已完成本人实人认证，不能改为他人身份。",
        "This account is proved to belong to another person and cannot change its identity.",
    ),
    "verification_limit": ProblemText(
        429,
        "核验次数过多，请稍后再试；也可以换一种方式核验。",
        "Too many checks. Wait as Retry-After says, or use another method listed.",
    ),
    "verification_unavailable": ProblemText(
        503,
        "身份核验暂时不可用，请稍后再试；也可以到窗口核验。本次不计入次数。",
        "Verification is not available right now and this try does not count. Wait as Retry-After says, or use another method.",
    ),
    "guardian_required": ProblemText(
        403,
        "未满十四周岁需由监护人陪同，请到窗口办理。",
        "A guardian's consent is needed below fourteen. Please go to a counter together.",
    ),
    # --- gateway --------------------------------------------------------------------------------------------------
    "path_refused": ProblemText(
        400,
        "请求的地址写法不正确。",
        "The path below /call is spelt in a way that could mean another path. Send it plainly.",
    ),
    "operation_not_offered": ProblemText(
        404, "这项服务没有这个功能。", "The service offers no operation at this path. GET /v1/services/{id} lists them."
    ),
    "service_not_offered": ProblemText(
        403,
        "这项服务暂未在您所选的地区或小程序开通。",
        "The service is not offered in this region or this mini-program.",
    ),
    "upstream_refused": ProblemText(
        422,
        "办理部门没有受理这次请求，请核对填写的内容；仍有疑问请拨打 12345。",
        "The department's system refused this request. Check what was entered; upstream_code says its word for it.",
    ),
    "upstream_unavailable": ProblemText(
        503,
        "办理部门的系统暂时连不上，本次没有提交，请稍后再试。",
        "The department's system cannot be reached; nothing was submitted. Try again as Retry-After says.",
    ),
    "upstream_timeout": ProblemText(
        504,
        "办理部门的系统没有及时回应，请稍后再查。",
        "The department's system did not answer in time. Ask again later.",
    ),
    "upstream_garbled": ProblemText(
        502,
        "办理部门的系统返回了看不懂的内容，我们已记录，请稍后再试。",
        "The department's system gave an answer we cannot read; it is on record. Try again later.",
    ),
    "evidence_full": ProblemText(
        503, "系统暂时繁忙，请稍后再试。", "Temporarily unavailable: calls cannot be recorded. Try again after a while."
    ),
    "service_taken": ProblemText(
        409, "这个服务代号已被其他机构使用，请换一个。", "Another organisation uses this slug. Choose another."
    ),
    "service_unchanged": ProblemText(
        409, "内容与最近提交的版本相同，无需再次提交。", "The manifest equals the newest version. Nothing to submit."
    ),
    # --- cases ----------------------------------------------------------------------------------------------------
    "item_not_open": ProblemText(
        409,
        "这个事项目前暂停办理，请稍后再看或拨打 12345 咨询。",
        "This item is not open for applications now. Look again later or call 12345.",
    ),
}

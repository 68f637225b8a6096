"""Steps 6 and 7: the proxied call with a killed web worker, and a case that is followed to its message and receipt."""

from typing import Any

from handlers.cli.walk.citizen import ITEM_NAME, REGION, Phone, key
from handlers.cli.walk.stage import Stage
from handlers.cli.walk.wire import Answer, StepFailed, until

EXECUTED = "social-security.card-replacement"
SENT = "/cgi-bin/message/subscribe/send"
TEMPLATE = "case_progress"
WRITE = {"reason": "LOST", "delivery": "WINDOW"}


def _executions(stage: Stage, idempotency_key: str) -> list[dict[str, Any]]:
    return [
        entry
        for entry in stage.journal("province", EXECUTED)
        if entry["check"] == "executed" and entry["facts"]["idempotency_key"].partition(".")[0] == idempotency_key
    ]


def step_6_call(stage: Stage, phone: Phone, service_id: str) -> str:
    phone.consent_as_asked(phone.call(service_id, "GET", "/card/status").expect(403, "consent_required"))
    status = phone.call(service_id, "GET", "/card/status").expect(200).body["data"]
    used = key()
    phone.call(service_id, "POST", "/card/replacements", WRITE).expect(400, "idempotency_key_required")
    first = phone.call(service_id, "POST", "/card/replacements", WRITE, Idempotency_Key=used).expect(200)
    stage.told.writes[used] = first.body["data"]
    killed = stage.processes.kill_children("web")
    again = until(
        "the web worker's successor",
        lambda: phone.call(service_id, "POST", "/card/replacements", WRITE, Idempotency_Key=used),
    ).expect(200)
    if again.body != first.body or len(_executions(stage, used)) != 1:
        raise StepFailed(f"the province executed {len(_executions(stage, used))} times")
    phone.call(service_id, "POST", "/card/replacements", WRITE | {"reason": "DAMAGED"}, Idempotency_Key=used).expect(
        422, "idempotency_key_reused"
    )
    received = sorted(_executions(stage, used)[0]["facts"]["fields"])
    return (
        f"card {status['state']}; tif-signed with a ticket, fields received: {', '.join(received)}; "
        f"web workers {killed} killed, same key answered from our record, province executed once"
    )


def step_7_case(stage: Stage, phone: Phone) -> str:
    template = grant(stage, phone, TEMPLATE, times=3)
    killed = stage.processes.kill("worker")
    case_id = _file(phone)  # accepted while nobody is there to work on it
    case_no = until("the province's case number", lambda: _case(phone, case_id).body.get("case_no"), 90)
    stage.control(f"/cases/{case_no}/advance", {"to": "ACCEPTED"})
    until("acceptance to show", lambda: _case(phone, case_id).body["state"] == "accepted" or None, 90)
    gone = stage.empty_redis()
    stage.control(f"/cases/{case_no}/advance", {"to": "DONE", "result": "APPROVED"})
    done = until("the end to show", lambda: _in_state(phone, case_id, "done"), 90)
    stage.told.cases[case_id] = done.body["state"]
    sent = until("the message in WeChat's journal", lambda: _accepted(stage, phone, template), 90)
    stage.control("/settle", {"timeout_s": 15})
    inbox = until("the inbox", lambda: _inbox(phone, case_id), 60)
    track = " > ".join(step["to"] for step in done.body["track"])
    return (
        f"{track}; Celery worker {killed} killed after filing, Redis emptied ({gone} keys); "
        f"{len(sent)} subscribe message(s) on a recorded grant, {len(inbox)} inbox entries"
    )


def grant(stage: Stage, phone: Phone, kind: str, *, times: int = 1) -> str:
    """The subscribe pop-up: accepted in WeChat, reported to us by the mini-program. Gives the template's id."""
    asked = phone.me().ask("GET", "/v1/me/grants").expect(200).body["items"]
    template = next(str(one["platform_template_id"]) for one in asked if one["kind"] == kind)
    for _ in range(times):
        stage.control("/wechat/subscribe", {"user": phone.user, "answers": {template: "accept"}})
        phone.me().ask("POST", "/v1/me/grants", {"answers": {template: "accept"}}, Idempotency_Key=key()).expect(200)
    return template


def _file(phone: Phone) -> str:
    items = phone.app().ask("GET", f"/v1/items?region={REGION}&q={quoted(ITEM_NAME)}").expect(200).body["items"]
    body = {"item_code": items[0]["code"], "form": {"reason": "LOST"}, "accept_region": REGION}
    used = key()
    filed = phone.me().ask("POST", "/v1/cases", body, Idempotency_Key=used).expect(201)
    same = phone.me().ask("POST", "/v1/cases", body, Idempotency_Key=used).expect(201)
    if same.body["case_id"] != filed.body["case_id"]:
        raise StepFailed("one key filed two cases")
    return str(filed.body["case_id"])


def quoted(text: str) -> str:
    return "".join(f"%{byte:02X}" for byte in text.encode())


def _case(phone: Phone, case_id: str) -> Answer:
    return phone.me().ask("GET", f"/v1/cases/{case_id}").expect(200)


def _in_state(phone: Phone, case_id: str, state: str) -> Answer | None:
    answer = _case(phone, case_id)
    return answer if answer.body["state"] == state else None


def _accepted(stage: Stage, phone: Phone, template: str) -> list[dict[str, Any]]:
    return [
        entry
        for entry in stage.journal("wechat", SENT)
        if entry["check"] == "ok"
        and entry["facts"].get("touser") == phone.openid
        and entry["facts"]["template_id"] == template
    ]


def _inbox(phone: Phone, case_id: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = phone.me().ask("GET", "/v1/me/inbox").expect(200).body["items"]
    return [item for item in items if item.get("about") == case_id]

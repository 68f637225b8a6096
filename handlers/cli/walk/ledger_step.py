"""The last step: open every book and let the ledger compare them."""

from handlers.cli import ledger
from handlers.cli.walk.stage import Stage
from handlers.cli.walk.wire import StepFailed, until


def books_of(stage: Stage) -> ledger.Books:
    url = stage.settings.database_auditor_url
    if url is None:
        raise StepFailed("DATABASE_AUDITOR_URL is not set: the ledger reads as the auditor")
    state = stage.sandbox.ask("GET", "/sim/v1/province/state").body
    told = stage.told
    return ledger.Books(
        database=ledger.auditor(url.get_secret_value()),
        since=stage.began_at,
        province=stage.journal("province"),
        wechat=stage.journal("wechat"),
        callbacks=[sent for sent in state["callbacks"] if sent["at"] >= stage.began_at.timestamp() * 1000],
        province_cases={case["caseNo"]: case["state"] for case in state["cases"]},
        accounts=told.sessions,
        evidence=told.evidence,
        writes=told.writes,
        cases=told.cases,
        messages=told.messages,
        services=told.services,
    )


def step_8_ledger(stage: Stage) -> str:
    return compare_until(stage, 30)


def compare_until(stage: Stage, patience_s: float) -> str:
    """What is on its way may arrive first: the books are compared until they agree, or patience ends (StepFailed)."""
    stage.control("/settle", {"timeout_s": 15})
    last: list[str] = []

    def agree() -> ledger.Books | None:
        books = books_of(stage)
        with books.database:
            last[:] = ledger.compare(books)
        return None if last else books

    try:
        books = until("the books to agree", agree, patience_s)
    except StepFailed as slow:
        raise StepFailed("; ".join(last)) from slow
    counts = f"{len(books.province)} province and {len(books.wechat)} WeChat journal entries"
    return f"{len(ledger.CHECKS)} checks over {counts}, the database and the audit: no difference"

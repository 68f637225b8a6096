"""C2, C6: a repeat is answered as the first was and not applied; a nonce with another body is refused; SQL remembers."""

import threading

import pytest

from app.core import inbound, kv
from tests.app.core.test_inbound import Happened, accept, came, emitted, rows

pytestmark = pytest.mark.usefixtures("db_clean")

FIRST = Happened(reply=b"first answer", reply_type="text/x-first")


@pytest.fixture
def after_first():
    first = accept(FIRST, b"body")
    for key in kv.client().scan_iter("tb:*"):  # Redis is emptied: nothing here may depend on it
        kv.client().delete(key)
    return first


@pytest.mark.parametrize(
    ("event", "body"),
    [
        (Happened("e1", "n1"), b"body"),  # the very same request
        (Happened("e1", "n2"), b"body"),  # signed again
        (Happened("e1", "n2"), b"encrypted anew"),  # WeChat's own retry: same event, new nonce, new ciphertext
        (Happened("e1", ""), b"body"),
        (Happened("e2", "n1"), b"body"),  # same nonce and body, whatever the id is read as
    ],
)
def test_a_repeat_gets_the_first_answer_and_is_not_applied(after_first, event, body):
    event.reply = b"another answer"
    assert accept(event, body) == after_first
    assert (after_first.body, after_first.content_type) == (b"first answer", "text/x-first")
    assert len(rows()) == len(emitted()) == 1


@pytest.mark.parametrize("event", [Happened("e2", "n1"), Happened("e1", "n1")])
def test_a_nonce_with_another_body_is_refused(after_first, event):
    assert accept(event, b"another body") == inbound.REFUSED
    assert len(rows()) == len(emitted()) == 1


def test_one_who_mixes_an_old_event_with_another_s_nonce_is_refused(after_first):
    accept(Happened("e2", "n2"), b"second")
    assert accept(Happened("e1", "n2"), b"third") == inbound.REFUSED
    assert len(rows()) == 2


def test_fifty_at_once_are_one():
    replies = []
    start = threading.Barrier(10)

    def work(worker):
        start.wait()
        replies.extend(inbound.receive(came(b"same"), lambda _inbound: Happened()) for _ in range(5))

    threads = [threading.Thread(target=work, args=(n,)) for n in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {(reply.status, reply.body) for reply in replies} == {(200, b"success")}
    assert len(replies) == 50
    assert len(rows()) == len(emitted()) == 1

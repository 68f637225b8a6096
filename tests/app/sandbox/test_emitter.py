"""Callbacks go out with the platform's patience and the scripted faults; every attempt is in the journal."""

import threading

import pytest

from app.platforms.bench import Delivery, Push, answered_200
from app.sandbox.emitter import Emitter
from app.sandbox.faults import Fault, Faults


class Receiver:
    """Answers by script, the last answer for ever; an exception in the script is raised."""

    def __init__(self, *answers) -> None:
        self.answers = list(answers) or [(200, b"")]
        self.bodies = []
        self.lock = threading.Lock()

    def __call__(self, push, _timeout_s) -> tuple[int, bytes]:
        with self.lock:
            self.bodies.append(push.body)
            answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


class Bench:
    def __init__(self, *answers, faults=()) -> None:
        self.faults = Faults()
        for kind in faults:
            self.faults.add(Fault(kind, "push/x/*", delay_s=0.01))
        self.receiver = Receiver(*answers)
        self.noted = []
        self.emitter = Emitter(self.faults, lambda *entry: self.noted.append(entry), send=self.receiver, threads=1)

    def push(self, name, retries=()):
        def build(forged):
            return Push("http://127.0.0.1:1/", {}, f"{name}{'!' if forged else ''}".encode())

        self.emitter.push(Delivery(f"push/x/{name}", build, answered_200, retries))

    def delivered(self):
        assert self.emitter.settle(30)
        return [body.decode() for body in self.receiver.bodies]

    def checks(self):
        return [check for _, check, _ in self.noted]


def test_one_push_is_one_request():
    bench = Bench()
    bench.push("a")
    assert bench.delivered() == ["a"]
    assert bench.noted == [("push/x/a", "ok", {"attempt": 1, "status": 200, "forged": False})]


@pytest.mark.parametrize("answer", [(500, b""), (403, b"no"), ConnectionRefusedError(), TimeoutError()])
def test_a_refused_push_is_repeated_on_the_platforms_schedule(answer):
    bench = Bench(answer, answer, (200, b""))
    bench.push("a", retries=(0.0, 0.0, 0.0))
    assert bench.delivered() == ["a", "a", "a"]
    assert bench.checks()[-1] == "ok"


def test_after_the_schedule_it_gives_up():
    bench = Bench((500, b""))
    bench.push("a", retries=(0.0, 0.0))
    assert bench.delivered() == ["a"] * 3


def test_a_dropped_push_leaves_only_a_note():
    bench = Bench(faults=["drop"])
    bench.push("a")
    bench.push("b")
    assert bench.delivered() == ["b"]
    assert bench.checks() == ["dropped", "ok"]


def test_a_duplicate_goes_out_twice():
    bench = Bench(faults=["dup-callback"])
    bench.push("a")
    assert bench.delivered() == ["a", "a"]


def test_a_reordered_push_follows_the_next_one():
    bench = Bench(faults=["reorder"])
    bench.push("a")
    bench.push("b")
    assert bench.delivered() == ["b", "a"]


def test_a_delayed_push_arrives():
    bench = Bench(faults=["delay-callback"])
    bench.push("a")
    assert bench.delivered() == ["a"]


def test_a_forged_attempt_is_followed_by_a_good_repeat():
    bench = Bench((403, b""), (200, b""), faults=["wrong-sign"])
    bench.push("a", retries=(0.0,))
    assert bench.delivered() == ["a!", "a"]


def test_clear_forgets_what_is_queued():
    bench = Bench(faults=["reorder"])
    bench.push("a")
    bench.emitter.clear()
    assert bench.delivered() == []

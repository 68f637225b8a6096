"""Sources: province.md 3.8 (samples, both weight tables), 0.2 and 1.8 (MOD 37,36)."""

from datetime import date
from pathlib import Path

import pytest

from app.core import chinaid

TODAY = date(2026, 11, 23)
CORPUS = [
    line.replace("\\n", "\n").split("|")
    for line in (Path(__file__).parents[2] / "data" / "id_numbers.txt").read_text("utf-8").splitlines()
    if not line.startswith("#")
]


def verdict(text: str) -> str:
    try:
        chinaid.read_id_number(text, TODAY)
    except chinaid.BadIdNumber as refused:
        return refused.reason
    return "ok"


def test_corpus_is_as_large_as_promised():
    assert len(CORPUS) >= 100
    assert {expected for _, expected in CORPUS} == {"ok", "shape", "region", "date", "future", "check"}


@pytest.mark.parametrize(("text", "expected"), CORPUS)
def test_id_number_corpus(text, expected):
    assert verdict(text) == expected


def test_canonical_form_is_trimmed_and_upper_case():
    number = chinaid.read_id_number(" 99010119900307004x ", TODAY)
    assert number.value == "99010119900307004X"
    assert number.birth_on == date(1990, 3, 7)


def test_neither_the_number_nor_the_refusal_shows_digits():
    number = chinaid.read_id_number("990101199003070015", TODAY)
    assert "1990" not in repr(number)
    with pytest.raises(chinaid.BadIdNumber) as refused:
        chinaid.read_id_number("990101199003070016", TODAY)
    assert "1990" not in str(refused.value)


@pytest.mark.parametrize(
    ("today", "age"),
    [(date(2014, 3, 6), 23), (date(2014, 3, 7), 24), (date(1990, 3, 7), 0)],
)
def test_age_turns_on_the_birthday(today, age):
    assert chinaid.read_id_number("990101199003070015", TODAY).age_on(today) == age


def test_age_of_a_leap_day_child():
    number = chinaid.read_id_number("99010120000229001" + chinaid.id_check("99010120000229001"), TODAY)
    assert number.age_on(date(2001, 2, 28)) == 0
    assert number.age_on(date(2001, 3, 1)) == 1


@pytest.mark.parametrize("code", ["11990000MB0000001M", "91990101MA0000001Y"])
def test_credit_code_samples(code):
    assert chinaid.is_uscc(code)
    assert not any(chinaid.is_uscc(code[:17] + other) for other in chinaid.USCC_ALPHABET if other != code[17])


@pytest.mark.parametrize(
    "code", ["", "11990000MB0000001m", "11990000MB0000001", "I1990000MB0000001M", "11990000MB0000001M\n"]
)
def test_credit_code_shape(code):
    assert not chinaid.is_uscc(code)

import csv
import io
import json
import unicodedata
from pathlib import Path

import pytest

from app.core.names import BadName, check_name, comparison_form

RARE = [
    line
    for line in (Path(__file__).parents[2] / "data" / "names.txt").read_text("utf-8").splitlines()
    if not line.startswith("#")
]


def test_there_are_a_hundred_names():
    assert len(set(RARE)) >= 100


@pytest.mark.parametrize("name", RARE)
def test_a_name_is_stored_as_given_and_survives_json_and_csv(name):
    assert check_name(name) == name
    assert json.loads(json.dumps(name, ensure_ascii=False).encode()) == name
    sheet = io.StringIO()
    csv.writer(sheet).writerow([name])
    assert next(csv.reader(io.StringIO(sheet.getvalue()))) == [name]


def test_rare_names_stay_apart_in_the_comparison_form():
    forms = {comparison_form(name) for name in RARE}
    assert len(forms) == len(RARE)


@pytest.mark.parametrize("char", ["\ufa19", "\uf91d", "\U0002f800"])
def test_compatibility_characters_are_not_normalised(char):
    assert unicodedata.normalize("NFC", char) != char
    assert check_name(char + "某") == char + "某"
    assert comparison_form(char) != unicodedata.normalize("NFC", char)


@pytest.mark.parametrize("dot", ["\u00b7", "\u2022", "\u2027", "\u30fb", "\uff0e", "\uff65"])
def test_all_dots_compare_as_one(dot):
    assert comparison_form(f"阿卜杜拉{dot}买买提") == "阿卜杜拉\u00b7买买提"
    assert check_name(f"阿卜杜拉{dot}买买提") == f"阿卜杜拉{dot}买买提"


@pytest.mark.parametrize("typed", [" 张三", "张三\u3000", "张\u200b三", "\ufeff张三", "张三\u200d"])
def test_what_nobody_sees_does_not_make_another_person(typed):
    assert comparison_form(typed) == "张三"


def test_a_hanzi_beyond_the_first_plane_counts_once():
    assert check_name("\U0002cb4e" * 64)
    with pytest.raises(BadName) as refused:
        check_name("\U0002cb4e" * 65)
    assert refused.value.reason == "length"


def test_hanzi_younger_than_this_python_are_names_too():
    assert check_name("\U00031350\U0002ebf0")


@pytest.mark.parametrize(
    "text",
    [
        "张\x00三",
        "张\n三",
        "\ud842",
        "\ue000",
        "\U000f0000",
        "张\u202e三",
        "张\u2028三",
        "\x7f",
        "\U0002ffff",
        "\U0003fffe",
    ],
)
def test_characters_no_name_holds(text):
    with pytest.raises(BadName) as refused:
        check_name(text)
    assert refused.value.reason == "character"


@pytest.mark.parametrize("text", ["", " ", "\u3000", "\u200b", " \u200d "])
def test_a_name_has_something_in_it(text):
    with pytest.raises(BadName) as refused:
        check_name(text)
    assert refused.value.reason == "empty"

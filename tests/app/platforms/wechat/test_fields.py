"""Template field limits (参数值内容限制): what fits, what is cut, what is refused; the stand-in's own check agrees."""

import pytest

from app.platforms.wechat.fields import BadField, fitted
from app.platforms.wechat.stand_in.limits import acceptable

FITS = [
    ("thing1", "社会保障卡补领"),
    ("thing12", "字" * 20),
    ("thing1", "Card 卡 #1!"),
    ("number1", "12345678901234567890123456789012"),
    ("number1", "3.14"),
    ("letter1", "ABCdef"),
    ("symbol1", "+-*/!"),
    ("character_string4", "AB-2026/0001 x"),
    ("time3", "23:06"),
    ("time3", "23:06:59"),
    ("time3", "2026-06-15 23:06"),
    ("time3", "2026年6月15日 9:06"),
    ("time3", "09:00~17:30"),
    ("date2", "2026年06月15日"),
    ("date2", "2026年06月"),
    ("date2", "6月15日"),
    ("date2", "2026-06-15"),
    ("date2", "2026/6/5 10:00"),
    ("date2", "2026.06.15~2026.06.18"),
    ("amount1", "￥100.50"),
    ("amount1", "10元"),
    ("phone_number1", "+86-100-0000-0000"),
    ("car_number1", "津A12345"),
    ("name1", "欧阳·买买提"),
    ("name1", "John O'Neil-Smith"),
    ("name1", "𫍽一"),
    ("phrase2", "已受理"),
    ("phrase2", "审核不通过"),
    ("enum1", "上午"),
    ("enum_string2", "上午"),
]
REFUSED = [
    ("thing1", ""),
    ("thing1", "   "),
    ("thing1", "两\n行"),
    ("thing1", "零宽\u200b字"),
    ("thing1", "倒\u202e写"),
    ("thing1", "铃\x07"),
    ("thing1", "私\ue000"),
    ("number1", "1" * 33),
    ("number1", "１２"),
    ("number1", "1e5"),
    ("letter1", "a1"),
    ("letter1", "é"),
    ("symbol1", "******"),
    ("symbol1", "a"),
    ("character_string4", "办件1"),
    ("character_string4", "a" * 33),
    ("time3", "24:00"),
    ("time3", "2026-06-15"),
    ("time3", "9点"),
    ("date2", "2026-06/15"),
    ("date2", "15:00"),
    ("date2", "昨天"),
    ("amount1", "12345678901"),
    ("amount1", "一百元"),
    ("phone_number1", "1" * 18),
    ("phone_number1", "一二三"),
    ("car_number1", "津A1234567"),
    ("name1", "一二三四五六七八九十一"),
    ("name1", "a" * 21),
    ("name1", "张3"),
    ("phrase2", "已受理中了吗"),
    ("phrase2", "OK"),
    ("enum1", "字" * 21),
    ("unknown1", "x"),
    ("thing", "x"),
    ("Thing1", "x"),
    ("thing1.DATA", "x"),
    ("", "x"),
]


@pytest.mark.parametrize(("key", "value"), FITS)
def test_what_fits_is_sent_as_it_is(key, value):
    assert fitted({key: value}) == {key: value}


@pytest.mark.parametrize(("key", "value"), FITS)
def test_the_stand_in_would_take_what_we_send(key, value):
    assert acceptable(key, value)


@pytest.mark.parametrize(("key", "value"), REFUSED)
def test_what_does_not_fit_names_its_field_and_not_its_value(key, value):
    with pytest.raises(BadField) as bad:
        fitted({key: value})
    assert bad.value.field == key
    assert not value.strip() or value not in str(bad.value)


@pytest.mark.parametrize("value", [None, 5, ["x"], {"value": "x"}])
def test_only_text_is_a_value(value):
    with pytest.raises(BadField):
        fitted({"thing1": value})


def test_nothing_is_no_message():
    with pytest.raises(BadField):
        fitted({})


def test_a_long_thing_is_cut_to_twenty_with_an_ellipsis():
    cut = fitted({"thing1": "某某省人力资源和社会保障厅关于社会保障卡补领的通知"})["thing1"]
    assert cut == "某某省人力资源和社会保障厅关于社会保障…"
    assert len(cut) == 20


def test_supplementary_characters_count_once_when_cut():
    assert fitted({"thing1": "𫍽" * 21})["thing1"] == "𫍽" * 19 + "…"


def test_outer_blanks_are_taken_off():
    assert fitted({"phrase2": " 已受理 "}) == {"phrase2": "已受理"}


@pytest.mark.parametrize(
    ("key", "value"),
    [("thing1", ""), ("thing1", "字" * 21), ("phrase2", "OK"), ("thing1", "a\nb"), ("thing1", None), ("nope1", "x")],
)
def test_the_stand_in_refuses_on_its_own(key, value):
    assert not acceptable(key, value)

"""I2 over HTTP: a digit is 0 to 9. What `int()` or a person would take for a number is not what the authority reads."""

import pytest

WIDE = "９９００００００００００"  # full-width digits, which `\d` and int() take for the real ones
ARABIC = "٣"


@pytest.mark.parametrize("limit", [ARABIC, "３", "1_0", "%2B5", "-1", "%205", "5%0A", "1e1", "0x5", "9" * 400])
def test_a_page_size_is_ascii_digits(mini, limit):
    answer = mini().send("GET", f"/v1/cases?limit={limit}")
    assert (answer.status_code, answer.json["code"]) == (422, "invalid_fields")
    assert [error["field"] for error in answer.json["errors"]] == ["limit"]


@pytest.mark.parametrize("region", [WIDE, "99000000000" + ARABIC, "990000000000\n", " 990000000000", "99000000000"])
def test_a_region_is_twelve_ascii_digits(mini, region):
    body = {"item_code": "99-l2", "accept_region": region, "form": {}}
    answer = mini("openid-a", level=2).send("POST", "/v1/cases", body, Idempotency_Key="region-0001")
    assert (answer.status_code, answer.json["errors"]) == (422, [{"field": "accept_region", "code": "format"}])


@pytest.mark.parametrize(
    "number",
    ["９９０１０１１９９００３０７００１５", "99010119900307001٥", "990101199003070015\n", "9901011990030700150"],
)
def test_an_id_number_is_what_the_authority_reads(mini, town, number):
    caller = mini()
    caller.consent("real_name")
    asked = town.calls["two_factor"]
    answer = caller.prove({"method": "real_name", "name": "李明", "id_number": number})
    assert (answer.status_code, answer.json["code"]) == (422, "invalid_fields")
    assert town.calls["two_factor"] == asked

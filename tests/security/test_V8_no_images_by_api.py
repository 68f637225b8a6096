"""V8: an image sent to the identity doors is refused or ignored, and rests nowhere."""

import base64

import pytest

from app.core import kv
from tests.support.citizen_steps import LI

JPEG = base64.b64encode(b"\xff\xd8\xff\xe0" + b"image-canary" * 12_000).decode()


def everything(rows) -> str:
    tables = rows("SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace")
    found = [str(rows(f"SELECT * FROM {name}")) for (name,) in tables if name != "alembic_version"]  # noqa: S608  catalogue names
    return "\n".join([*found, *(repr(kv.client().get(key)) for key in kv.client().scan_iter("tb:session:*"))])


@pytest.mark.parametrize("field", ["image", "photo", "face"])
def test_an_image_in_a_proof_is_an_unknown_field(phone, rows, field):
    caller = phone()
    caller.consent("real_name")
    answer = caller.prove({"method": "real_name", "name": LI[0], "id_number": LI[1], field: JPEG})
    assert answer.status_code in (413, 422)
    assert JPEG[:64] not in everything(rows)


def test_an_image_with_the_clients_finish_rests_nowhere(phone, rows):
    caller = phone().to_l2(LI)
    verification_id = caller.start_face()
    caller.send("POST", f"/v1/me/verifications/{verification_id}/finish", {"image": JPEG})
    stored = everything(rows)
    assert JPEG[:64] not in stored
    assert "/9j/" not in stored

"""What identity hears and tells, by outbox event.

hears  callback.face_done     the authority says a check ended: a hint that makes us ask (V1, V4)
tells  account.verified       {account_id, citizen_id, level}
       account.joined         {account_id, citizen_id, from_citizen_id}
       identity.second_claim  {citizen_id, other_citizen_id}: one number, claimed by two; tell both
"""

from sqlalchemy.orm import Session

from app.core import events, inbound, tasks
from app.core.events import Event
from identity import consent, face_checks, verification


def install() -> None:
    events.subscribe("callback.face_done", "identity.face", on_face_done)
    consent.on_withdrawal(verification.stop_for)


def on_face_done(db: Session, event: Event) -> None:
    """Make the attempt due at once. What the callback claims about the result is not even looked at."""
    ref_id = inbound.read(db, event.subject_id).get("ref_id")
    verification_id = face_checks.by_check(db, ref_id) if isinstance(ref_id, str) else None
    if verification_id is not None:
        face_checks.hurry(db, verification_id)
        tasks.wake(db, "ask_about_faces")

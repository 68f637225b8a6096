"""Identity's jobs: tell Redis what it missed, ask providers, let things expire, forget what need not be kept."""

from app.core.tasks import job
from identity import attempts, face_checks, login, sessions, verification


@job("publish_sessions", every_s=5)
def publish_sessions() -> None:
    """Repeat session changes to a Redis that was away when they happened."""
    while sessions.publish_untold() == sessions.SWEEP:
        pass


@job("ask_about_faces", every_s=2, queue="urgent")
def ask_about_faces() -> None:
    """Ask about every face verification that is due; woken by callbacks."""
    while face_checks.advance_due():
        pass


@job("expire_verifications", every_s=30)
def expire_verifications() -> None:
    """End what was not finished or used in its time."""
    while verification.expire_due():
        pass


@job("forget_identity", every_s=3600)
def forget_identity() -> None:
    """Purge burnt codes, long-ended sessions, old attempts and the providers' transaction ids."""
    login.forget_codes()
    sessions.forget_ended()
    attempts.forget_old()
    verification.forget_refs()

"""The limiter's table: how often one subject may do one thing (security.md P9). Plain data for app/core/limits.py.

A bucket holds `capacity` and refills at `per_s` a second, so `capacity` is the burst and `per_s` the steady rate. What
happens while Redis is down stands in each row: "closed" refuses with 503 (login, proofs of identity, approvals), "open"
counts in the process alone (reads). Real-name failures are counted durably by identity as well; the rows here only keep
floods off the authority.
"""

from typing import Final, Literal, NamedTuple


class Limit(NamedTuple):
    """`per_s` may be a fraction: 5 / (6 * HOUR) is five in six hours."""

    capacity: int
    per_s: float
    when_redis_down: Literal["closed", "open"]


MINUTE: Final = 60
HOUR: Final = 3600
DAY: Final = 24 * HOUR

LIMITS: Final[dict[str, Limit]] = {
    # --- login. A household or an office shares one address; WeChat itself allows 100 a user and minute (45011) ------
    "login_address": Limit(60, 1.0, "closed"),
    "login_app": Limit(3000, 1000.0, "closed"),
    "session_create_ip": Limit(60, 1.0, "closed"),
    "session_create_device": Limit(10, 10 / MINUTE, "closed"),
    "session_create_global": Limit(3000, 1000.0, "closed"),
    # --- proofs of identity: 5 failures in 6 h an account, 5 in 24 h a target (Login.gov's figures; V5) ---------------
    "real_name_account": Limit(5, 5 / (6 * HOUR), "closed"),
    "real_name_target": Limit(5, 5 / DAY, "closed"),
    "real_name_ip": Limit(30, 30 / HOUR, "closed"),
    "real_name_global": Limit(200, 50.0, "closed"),
    "verification_start": Limit(10, 10 / HOUR, "closed"),
    "verification_finish": Limit(20, 0.5, "open"),
    # --- services and cases ------------------------------------------------------------------------------------------
    "service_call_citizen": Limit(60, 10.0, "open"),
    "service_call_service": Limit(2000, 1000.0, "open"),
    "case_create": Limit(10, 10 / HOUR, "closed"),
    "read_citizen": Limit(120, 20.0, "open"),
    "read_ip": Limit(600, 100.0, "open"),
    # --- staff and callbacks -----------------------------------------------------------------------------------------
    "ops_write": Limit(30, 0.5, "closed"),
    "ops_read": Limit(120, 10.0, "open"),
    "staff_token_ip": Limit(30, 0.5, "closed"),
    "totp_attempt": Limit(5, 5 / (15 * MINUTE), "closed"),
    "approval_attempt": Limit(10, 10 / MINUTE, "closed"),
    "callback_ip": Limit(400, 200.0, "open"),
}

"""The limiter's table: how often one subject may do one thing (security.md P9). Plain data for app/core/limits.py.

A bucket holds `capacity` and refills at `per_s` a second, so `capacity` is the burst and `per_s` the steady rate. What
happens while Redis is down stands in each row: "closed" refuses with 503 (login, proofs of identity, what staff write),
"open" counts in the process alone (reads). Failures of real names and of authenticator codes are counted durably by
identity (config/assurance.py, config/staff.py); the rows here only keep floods off the authority.
"""

from typing import Final, Literal, NamedTuple


class Limit(NamedTuple):
    """`per_s` may be a fraction: 10 / HOUR is ten an hour."""

    capacity: int
    per_s: float
    when_redis_down: Literal["closed", "open"]


HOUR: Final = 3600

LIMITS: Final[dict[str, Limit]] = {
    # --- login. A household or an office shares one address; WeChat itself allows 100 a user and minute (45011) ------
    "login_address": Limit(60, 1.0, "closed"),
    "login_app": Limit(3000, 1000.0, "closed"),
    # --- proofs of identity ------------------------------------------------------------------------------------------
    "real_name_ip": Limit(30, 30 / HOUR, "closed"),
    "real_name_global": Limit(200, 50.0, "closed"),
    "verification_start": Limit(10, 10 / HOUR, "closed"),
    "verification_finish": Limit(20, 0.5, "open"),
    # --- services and cases ------------------------------------------------------------------------------------------
    "service_call_citizen": Limit(60, 10.0, "open"),
    "case_create": Limit(10, 10 / HOUR, "closed"),
    # --- staff and callbacks -----------------------------------------------------------------------------------------
    "ops_write": Limit(30, 0.5, "closed"),
    "ops_read": Limit(120, 10.0, "open"),
    "callback_ip": Limit(400, 200.0, "open"),
}

"""Who on the staff may do what: one table of roles and the scopes their tokens may carry. Read by identity.

A scope is `<resource>:<read|write>`, where the resource is the first word of a path under /ops/v1; GET and HEAD need
read, every other method write. A route nobody listed here is open to nobody. No role holds both an act and its
approval, and an account has one role: the table is the separation of duties (GB/T 22239-2019 level 3).
"""

from typing import Final

OPERATOR: Final = "operator"
APPROVER: Final = "approver"
AUDITOR: Final = "auditor"
SUPPORT: Final = "support"
ADMINISTRATOR: Final = "administrator"
INTEGRATOR: Final = "integrator"

SCOPES: Final[dict[str, tuple[str, ...]]] = {
    OPERATOR: ("messages:read", "messages:write", "approvals:read"),
    APPROVER: ("approvals:read", "approvals:write", "messages:read", "services:read"),
    AUDITOR: ("approvals:read", "messages:read", "services:read"),
    SUPPORT: ("messages:read",),
    ADMINISTRATOR: ("approvals:read", "services:read"),
    INTEGRATOR: ("services:read", "services:write", "approvals:read"),
}

# An organisation of kind `province` runs Tongban; one of kind `integrator` brings services and sees only its own.
PROVINCE_KIND: Final = "province"
INTEGRATOR_KIND: Final = "integrator"
KINDS: Final = (PROVINCE_KIND, INTEGRATOR_KIND)

TOKEN_PREFIX: Final = "tbp_"  # a fixed prefix lets leak scanners find a token in a repository or a chat
TOKEN_DAYS: Final = 90
TOKEN_MOST_DAYS: Final = 365  # security.md O5
LIVE_TOKENS: Final = 2  # one in use, one being rolled in

TOTP_STEP_S: Final = 30  # RFC 6238, section 5.2
TOTP_FREE_FAILURES: Final = 5
TOTP_FIRST_DELAY_S: Final = 30
TOTP_MOST_DELAY_S: Final = 15 * 60  # grows to this and no further: nobody is shut out for good

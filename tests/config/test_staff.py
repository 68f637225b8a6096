"""The table of roles is the separation of duties."""

from config.staff import APPROVER, SCOPES


def writes(role: str) -> set[str]:
    return {scope for scope in SCOPES[role] if scope.endswith(":write")}


def test_no_role_holds_both_an_act_and_its_approval():
    assert [role for role in SCOPES if "approvals:write" in writes(role)] == [APPROVER]
    assert writes(APPROVER) == {"approvals:write"}


def test_who_only_looks_writes_nothing():
    assert [role for role in ("auditor", "support", "administrator") if writes(role)] == []


def test_no_act_is_open_to_two_roles():
    acts = [scope for role in SCOPES for scope in writes(role)]
    assert len(acts) == len(set(acts))

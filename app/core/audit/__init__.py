"""The audit (security.md P8, D6): who did what to which object, insert-only, chained, anchored.

    record            in the act's own transaction: one row with its own digest
    seal_pending      one sealer gives committed rows their place in the hash chain, every second
    anchor            signs the head and appends it to a file outside the database, every ten minutes or 10,000 rows
    verify_chain      walks it all and names the first bad row
    require_anchored  refuses privileged acts when anchoring has failed for four hours

A chain inside each transaction would serialise every commit, so acts and chain are apart. What this does not see: rows
deleted within the second before they are sealed, and both a row and its chain tail since the last anchor.
"""

from app.core.audit.anchors import anchor, require_anchored
from app.core.audit.chain import seal_pending
from app.core.audit.entries import AuditEntry, record
from app.core.audit.verify import Verdict, verify_chain

__all__ = ["AuditEntry", "Verdict", "anchor", "record", "require_anchored", "seal_pending", "verify_chain"]

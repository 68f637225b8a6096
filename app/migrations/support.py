"""What every table gets: row-level security by tenant, and the grants of the three roles.

Roles: the owner migrates; `tb_app` is the application (INSERT and SELECT only where `insert_only`); `tb_auditor` reads.
"""

from alembic import op

APP, AUDITOR = "tb_app", "tb_auditor"


def protect(table: str, *, insert_only: bool = False) -> None:
    """Enable row-level security on a table just made and grant what each role may do with it.

    The policy compares tenant_id with the transaction's `tb.tenant`; unset shows nothing, `*` is the sweepers' scope.
    """
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    scope = "current_setting('tb.tenant', true)"
    match = f"tenant_id = {scope} OR {scope} = '*'"
    op.execute(f"CREATE POLICY tenant_scope ON {table} TO {APP} USING ({match}) WITH CHECK ({match})")
    op.execute(f"CREATE POLICY auditor_reads ON {table} FOR SELECT TO {AUDITOR} USING (true)")
    rights = "SELECT, INSERT" if insert_only else "SELECT, INSERT, UPDATE, DELETE"
    op.execute(f"GRANT {rights} ON {table} TO {APP}")
    op.execute(f"GRANT SELECT ON {table} TO {AUDITOR}")


def unprotect_and_drop(*tables: str) -> None:
    for table in tables:
        op.execute(f"DROP TABLE {table}")

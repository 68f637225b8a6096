"""Outside systems, one folder each. A folder speaks the platform's words inside and returns ours; it knows no citizen,
table or policy.
"""

"""The province, played by hand-written code: door, identity, tickets, cases, services; mounted by ../sandbox.py.

Nothing here imports the client's side of this platform or app/platforms/schemes: both are pinned by the reference's
vectors, each on its own.
"""

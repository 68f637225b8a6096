"""WeChat, played by hand-written code: state, wire, tokens, login, messages, face, push. Mounted by ../sandbox.py.

Nothing here imports the client's side of this platform: both are pinned by the reference's vectors, each on its own.
"""

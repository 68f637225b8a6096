"""The walk of `make demo`: the main job end to end, over HTTP only, as the three kinds of user would do it.

It knows the public contract and the sandbox's control paths, nothing else of the house; the ledger beside it
(handlers/cli/ledger.py) then compares what the walk was told with what every other book holds.
"""

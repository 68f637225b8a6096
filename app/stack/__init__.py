"""The machine room: brings up what Tongban runs on, from nothing but Linux, Python and make.

`make setup`, `make demo` and the tests call it. It never serves a request, and production does not need it: there
the servers are the operator's own and reach us by URL.
"""

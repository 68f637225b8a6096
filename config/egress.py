"""Where calls may go: plain data for app/core/egress.py. Hosts are approved per service, by people, elsewhere."""

from typing import Final

# https only; a service on another port is moved behind 443, or the port is added here in a reviewed change.
PORTS: Final[frozenset[int]] = frozenset({443, 8443})

# Addresses that are global by registry and yet answer from inside a cloud: Azure's wire server.
REFUSED_ADDRESSES: Final[frozenset[str]] = frozenset({"168.63.129.16"})

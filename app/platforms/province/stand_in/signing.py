"""The province's own checks and signatures, written from province.md 2.1 and 3.6, not from our client.

Called by the door (tif of what arrives) and by the events (PCB of what is sent). tests pin both by the same vectors as
the client's, so a mistake shared by the two sides would need the reference to share it too.
"""

import hashlib
from hmac import compare_digest
from typing import Final

BLOCK: Final = 64
TIF_WINDOW_S: Final = 180


def tif_signature(stamp: str, token: str, nonce: str) -> str:
    """Hex SHA-256 of timestamp, token, nonce, timestamp written one after another."""
    digest = hashlib.sha256()
    for part in (stamp, token, nonce, stamp):
        digest.update(part.encode())
    return digest.hexdigest()


def tif_holds(stamp: str, token: str, nonce: str, given: str) -> bool:
    """Whether the given signature is right, in either case of hex."""
    return compare_digest(tif_signature(stamp, token, nonce).encode(), given.lower().encode())


def pcb_signature(secret: str, stamp: str, nonce: str, method: str, path: str, body: bytes, algorithm: str) -> str:
    """Hex HMAC over five lines: ts, nonce, METHOD, path, hex SHA-256 of the body. `algorithm`: sha256 or sm3."""
    text = f"{stamp}\n{nonce}\n{method}\n{path}\n{hashlib.sha256(body).hexdigest()}"
    return _mac(secret.encode(), text.encode(), algorithm)


def _mac(key: bytes, text: bytes, algorithm: str) -> str:
    # RFC 2104 spelt out: a second implementation is worth having here exactly because it is a second one.
    if len(key) > BLOCK:
        key = hashlib.new(algorithm, key).digest()
    key = key.ljust(BLOCK, b"\0")
    inner = hashlib.new(algorithm, bytes(byte ^ 0x36 for byte in key) + text).digest()
    return hashlib.new(algorithm, bytes(byte ^ 0x5C for byte in key) + inner).hexdigest()

"""The receiving half of WXBizMsgCrypt (消息推送 page; wechat.md 5.3): sign, and open in safe mode. For callbacks.py.

    plaintext = random(16) | length of message, uint32 big-endian | message | appid
    padded by PKCS#7 to 32 bytes (1..32, so a stock 16-byte unpadder will not do), AES-256-CBC, iv = key[:16]

The stock SDK does not check the padding and compares with `!=` (security.md C3). Here every pad byte, the length and
the trailing appid are checked, and every failure is the same `Unreadable`, after the same work.
"""

import base64
import binascii
import hashlib
from typing import Final

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from app.core.crypto import same

BLOCK: Final = 32
RANDOM: Final = 16
HEAD: Final = RANDOM + 4


class Unreadable(Exception):
    """Not a ciphertext of ours. One class, no reason: nobody may learn which check it fell at."""


def signature(*parts: str) -> str:
    """sha1 hex over the sorted parts, as the console's Token signs (V1)."""
    return hashlib.sha1("".join(sorted(parts)).encode(), usedforsecurity=False).hexdigest()


def is_signed(given: str, *parts: str) -> bool:
    """Constant time, on bytes (P3). Upper-case hex is refused: WeChat sends lower."""
    return same(given.encode(), signature(*parts).encode())


def open_message(aes_key: str, app_id: str, encrypted: str) -> bytes:
    """The message inside an Encrypt member whose signature already held. Raises Unreadable."""
    key = base64.b64decode(aes_key + "=")
    try:
        sealed = base64.b64decode(encrypted.encode("ascii"), validate=True)
    except (UnicodeEncodeError, binascii.Error):
        raise Unreadable from None
    if not sealed or len(sealed) % BLOCK:
        raise Unreadable
    machine = Cipher(algorithms.AES256(key), modes.CBC(key[:16])).decryptor()
    return _message(machine.update(sealed) + machine.finalize(), app_id)


def _message(padded: bytes, app_id: str) -> bytes:
    fill = padded[-1]
    size = int.from_bytes(padded[RANDOM:HEAD], "big")
    end = HEAD + size
    tail = padded[end : len(padded) - fill]
    whole = (
        1 <= fill <= BLOCK
        and padded.endswith(bytes([fill]) * fill)
        and end + fill <= len(padded)
        and same(tail, app_id.encode())
    )
    if not whole:
        raise Unreadable
    return padded[HEAD:end]

"""Scheme `pcb`: how the province signs its callbacks (province.md 3.6), HMAC-SHA256 or HMAC-SM3.

Called by the province's callback door; the gateway may sign webhooks-shaped calls with it. The signed text covers
time, nonce, method, path and body, so nothing of a callback is believed that was not signed.
"""

import hmac
import secrets
import time
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.hmac import HMAC

from app.platforms.schemes.base import CallParts, Credential, Proof, SignatureRefused

LONGEST_NONCE: Final = 128
LONGEST_STAMP: Final = 12


def _hmac_sha256(secret: bytes, text: bytes) -> str:
    return hmac.digest(secret, text, "sha256").hex()


def _hmac_sm3(secret: bytes, text: bytes) -> str:
    # hashlib has sm3 only where its OpenSSL was built so; `cryptography` brings its own.
    mac = HMAC(secret, hashes.SM3())
    mac.update(text)
    return mac.finalize().hex()


DIGESTS: Final[Mapping[str, Callable[[bytes, bytes], str]]] = {"hmac-sha256": _hmac_sha256, "hmac-sm3": _hmac_sm3}


class Pcb:
    """One digest per credential, chosen at registration: a header may not pick the weaker of two."""

    window_s: Final = 300

    def __init__(self, digest: str = "hmac-sha256") -> None:
        self.name = f"pcb-{digest}"
        self._mac = DIGESTS[digest]

    def sign(
        self, credential: Credential, parts: CallParts, *, at_s: int | None = None, nonce: str | None = None
    ) -> dict[str, str]:
        stamp = str(int(time.time()) if at_s is None else at_s)
        once = nonce or secrets.token_hex(12)
        return {
            "X-PCB-Key": credential.key_id,
            "X-PCB-Timestamp": stamp,
            "X-PCB-Nonce": once,
            "X-PCB-Signature": self._mac(credential.secret.encode(), signed_text(stamp, once, parts)),
        }

    def verify_inbound(
        self, credential: Credential, parts: CallParts, headers: Mapping[str, str], *, at_s: int
    ) -> Proof:
        """Order: shape, key, signature, then time, so that only the key's holder learns how our clock stands."""
        given = {name.lower(): value for name, value in headers.items()}
        key, stamp, nonce, signature = (
            given.get(f"x-pcb-{name}", "") for name in ("key", "timestamp", "nonce", "signature")
        )
        _check_shape(stamp, nonce, signature)
        # An empty secret would make everybody a signer: no callbacks until one is configured.
        if not credential.secret or not _same(key, credential.key_id):
            raise SignatureRefused("key")
        if not _same(self._mac(credential.secret.encode(), signed_text(stamp, nonce, parts)), signature.lower()):
            raise SignatureRefused("signature")
        if abs(at_s - int(stamp)) > self.window_s:
            raise SignatureRefused("window")
        return Proof(nonce, int(stamp), {})


def signed_text(stamp: str, nonce: str, parts: CallParts) -> bytes:
    """Time, nonce, method, path and the body's hex SHA-256, one a line, no newline at the end."""
    lines = (stamp, nonce, parts.method.upper(), parts.path, sha256(parts.body).hexdigest())
    return "\n".join(lines).encode("utf-8", "surrogatepass")


def _check_shape(stamp: str, nonce: str, signature: str) -> None:
    if not (stamp and nonce and signature):
        raise SignatureRefused("missing")
    printable = all("!" <= char <= "~" for char in nonce + stamp)
    if not (printable and stamp.isdigit() and len(stamp) <= LONGEST_STAMP) or len(nonce) > LONGEST_NONCE:
        raise SignatureRefused("format")


def _same(left: str, right: str) -> bool:
    """On bytes: compare_digest refuses non-ASCII text with an exception, which would turn a forgery into a 500."""
    return hmac.compare_digest(left.encode("utf-8", "surrogatepass"), right.encode("utf-8", "surrogatepass"))


PCB_SHA256: Final = Pcb("hmac-sha256")
PCB_SM3: Final = Pcb("hmac-sm3")

"""Scheme `tif` (Tencent TIF / Rio smart gateway, province.md 2.1): hex SHA-256 over timestamp, token, nonce, timestamp.

Called for every proxied call and by the province client. The signature covers neither path nor body: TLS, nonce
memory on the other side and an Idempotency-Key are what protects a call, and this module does not pretend otherwise.
"""

import hmac
import os
import time
from collections.abc import Mapping
from hashlib import sha256
from typing import Final

from app.platforms.schemes.base import NO_PARTS, CallParts, Credential, Proof, SignatureRefused

IDENTITY: Final = ("x-tif-uid", "x-tif-uinfo", "x-tif-ext")
PREFIXES: Final = ("x-tif-", "x-rio-")
LONGEST_NONCE: Final = 128
LONGEST_STAMP: Final = 12


class Tif:
    """`Credential.key_id` is the paasid, `Credential.secret` the paas token."""

    name: Final = "tif"
    window_s: Final = 180

    # The proxied call's hot path: one small hash, no formatting beyond what goes on the wire.
    def sign(
        self,
        credential: Credential,
        parts: CallParts = NO_PARTS,  # noqa: ARG002  the scheme leaves the call's parts unsigned
        *,
        at_s: int | None = None,
        nonce: str | None = None,
    ) -> dict[str, str]:
        stamp = str(int(time.time()) if at_s is None else at_s)
        once = nonce or os.urandom(12).hex()
        return {
            "x-tif-paasid": credential.key_id,
            "x-tif-timestamp": stamp,
            "x-tif-nonce": once,
            "x-tif-signature": sha256(f"{stamp}{credential.secret}{once}{stamp}".encode()).hexdigest(),
        }

    def verify_inbound(
        self, credential: Credential, parts: CallParts, headers: Mapping[str, str], *, at_s: int
    ) -> Proof:
        """A call the gateway forwards to us. Identity headers are part of the proof only under the long signature.

        An absent identity header counts as empty (province.md 2.1); hex may be of either case.
        """
        del parts
        given = _by_bare_name(headers)
        stamp, nonce, signature = (given.get(name, "") for name in ("timestamp", "nonce", "signature"))
        _check_shape(stamp, nonce, signature)
        if given.get("paasid", credential.key_id) != credential.key_id:
            raise SignatureRefused("key")
        if abs(at_s - int(stamp)) > self.window_s:
            raise SignatureRefused("window")
        identity = {name: given.get(name.removeprefix("x-tif-"), "") for name in IDENTITY}
        if not _matches(signature, stamp, f"{credential.secret}{nonce},{','.join(identity.values())}"):
            if any(identity.values()) or not _matches(signature, stamp, f"{credential.secret}{nonce}"):
                raise SignatureRefused("signature")
            identity = {}
        return Proof(nonce, int(stamp), {name: value for name, value in identity.items() if value})


def _by_bare_name(headers: Mapping[str, str]) -> dict[str, str]:
    """Header values without their prefix. Test systems of the same product say x-rio-; both at once is a trick."""
    bare: dict[str, str] = {}
    for name, value in headers.items():
        lower = name.lower()
        if lower.startswith(PREFIXES):
            key = lower[len(PREFIXES[0]) :]
            if key in bare:
                raise SignatureRefused("format")
            bare[key] = value
    return bare


def _check_shape(stamp: str, nonce: str, signature: str) -> None:
    if not (stamp and nonce and signature):
        raise SignatureRefused("missing")
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= LONGEST_STAMP) or len(nonce) > LONGEST_NONCE:
        raise SignatureRefused("format")


def _matches(signature: str, stamp: str, middle: str) -> bool:
    expected = sha256(f"{stamp}{middle}{stamp}".encode("utf-8", "surrogatepass")).hexdigest()
    return hmac.compare_digest(expected.encode(), signature.lower().encode("utf-8", "surrogatepass"))


TIF: Final = Tif()

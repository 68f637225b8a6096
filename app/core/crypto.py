"""Sealed values and blind indexes (security.md P3, P6, P7, D2, D3): how personal data rests in the database.

    seal    -> "v1|alg|key_id|nonce|ct|tag"   the last three base64url without padding; a fresh nonce each time
    index   -> "<version>:<64 hex>"           HMAC-SHA256, so a sealed value can be found without being opened

A sealed value opens only where it was put: table, column, row id and tenant are authenticated with it, so a ciphertext
copied to another row or tenant does not open. The first key of `data_keys` seals, every key listed opens; taking a key
off the list is what destroys what it sealed. Identity rooms and the stores of raw envelopes call this; it never logs,
never sees a file, and never falls back to an older suite.

Nonces are 96 random bits (NIST SP 800-38D section 8.2.2): change the first key long before it has sealed 2^32 values.
"""

import base64
import binascii
import hmac
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import SM4
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pydantic import SecretStr

from app.core.db import PROVINCE
from config.settings import get_settings

FORMAT: Final = "v1"
NONCE_BYTES: Final = 12
TAG_BYTES: Final = 16
PARTS: Final = 6


class Unsealable(Exception):
    """The value cannot be opened: altered, moved from its place, of a retired key, or not a sealed value at all."""


class Suite(Protocol):
    """An AEAD under one key. `seal` answers ciphertext and tag; `open` raises InvalidTag."""

    def seal(self, nonce: bytes, plain: bytes, place: bytes) -> tuple[bytes, bytes]: ...

    def open(self, nonce: bytes, ciphertext: bytes, tag: bytes, place: bytes) -> bytes: ...


class Aes256Gcm:
    """AES-256-GCM, the international suite."""

    def __init__(self, key: bytes) -> None:
        self._aead = AESGCM(key)

    def seal(self, nonce: bytes, plain: bytes, place: bytes) -> tuple[bytes, bytes]:
        sealed = self._aead.encrypt(nonce, plain, place)
        return sealed[:-TAG_BYTES], sealed[-TAG_BYTES:]

    def open(self, nonce: bytes, ciphertext: bytes, tag: bytes, place: bytes) -> bytes:
        return self._aead.decrypt(nonce, ciphertext + tag, place)


class Sm4Gcm:
    """SM4-GCM (GB/T 32907-2016 in the mode of RFC 8998). SM4 takes 128 bits: the first 16 of an HKDF over the key."""

    def __init__(self, key: bytes) -> None:
        self._cipher = SM4(HKDF(SHA256(), length=32, salt=None, info=b"tongban sm4-gcm").derive(key)[:16])

    def seal(self, nonce: bytes, plain: bytes, place: bytes) -> tuple[bytes, bytes]:
        encryptor = Cipher(self._cipher, modes.GCM(nonce)).encryptor()
        encryptor.authenticate_additional_data(place)
        ciphertext = encryptor.update(plain) + encryptor.finalize()
        return ciphertext, encryptor.tag

    def open(self, nonce: bytes, ciphertext: bytes, tag: bytes, place: bytes) -> bytes:
        decryptor = Cipher(self._cipher, modes.GCM(nonce, tag, min_tag_length=TAG_BYTES)).decryptor()
        decryptor.authenticate_additional_data(place)
        return decryptor.update(ciphertext) + decryptor.finalize()


SUITES: Final[dict[str, Callable[[bytes], Suite]]] = {"aes-256-gcm": Aes256Gcm, "sm4-gcm": Sm4Gcm}


@dataclass(frozen=True)
class Ring:
    """The data keys: `writer` names the one that seals."""

    writer: str
    suites: Mapping[str, tuple[str, Suite]]


@lru_cache(maxsize=8)
def _ring(keys: tuple[SecretStr, ...]) -> Ring:
    parts = [item.get_secret_value().split(":", 2) for item in keys]
    suites = {key_id: (alg, SUITES[alg](base64.b64decode(text))) for key_id, alg, text in parts}
    return Ring(parts[0][0], suites)


@lru_cache(maxsize=8)
def _index_ring(keys: tuple[SecretStr, ...]) -> tuple[tuple[str, bytes], ...]:
    parts = [item.get_secret_value().partition(":") for item in keys]
    return tuple((version, base64.b64decode(text)) for version, _, text in parts)


def seal(plain: str | bytes, *, table: str, column: str, row_id: str, tenant: str = PROVINCE) -> str:
    """Seal a value into its place. Equal values never give equal texts."""
    ring = _ring(get_settings().data_keys)
    alg, suite = ring.suites[ring.writer]
    nonce = os.urandom(NONCE_BYTES)
    place = _joined(FORMAT, alg, ring.writer, table, column, row_id, tenant)
    ciphertext, tag = suite.seal(nonce, _bytes(plain), place)
    return "|".join((FORMAT, alg, ring.writer, _text(nonce), _text(ciphertext), _text(tag)))


def unseal(sealed: str, *, table: str, column: str, row_id: str, tenant: str = PROVINCE) -> str:
    """Open a value in its place. Raises Unsealable for every reason alike."""
    try:
        return unseal_bytes(sealed, table=table, column=column, row_id=row_id, tenant=tenant).decode()
    except UnicodeDecodeError:
        raise Unsealable from None


def unseal_bytes(sealed: str, *, table: str, column: str, row_id: str, tenant: str = PROVINCE) -> bytes:
    """As `unseal`, for what was sealed as bytes."""
    try:
        version, alg, key_id, nonce, ciphertext, tag = sealed.split("|")
        written_with, suite = _ring(get_settings().data_keys).suites[key_id]
        if version != FORMAT or alg != written_with or len(tag) != _TAG_TEXT:
            raise Unsealable
        place = _joined(version, alg, key_id, table, column, row_id, tenant)
        return suite.open(_raw(nonce), _raw(ciphertext), _raw(tag), place)
    except (ValueError, KeyError, InvalidTag):
        raise Unsealable from None


def blind_index(kind: str, canonical: str) -> str:
    """The text under which a value of this kind is stored and found, by the first index key.

    `kind` ("id_number", "openid") keeps equal texts of different meaning apart. The caller brings the canonical form.
    """
    return _index(_index_ring(get_settings().index_keys)[0], kind, canonical)


def blind_indexes(kind: str, canonical: str) -> list[str]:
    """The texts a value may be stored under, newest key first: what a lookup asks for while a key is being changed."""
    return [_index(key, kind, canonical) for key in _index_ring(get_settings().index_keys)]


def same(one: bytes | str, other: bytes | str) -> bool:
    """Equality in constant time. On bytes: compare_digest raises TypeError for text that is not ASCII (P3)."""
    return hmac.compare_digest(_bytes(one), _bytes(other))


def _index(key: tuple[str, bytes], kind: str, canonical: str) -> str:
    return f"{key[0]}:{hmac.digest(key[1], _joined(kind, canonical), 'sha256').hex()}"


def _joined(*parts: str) -> bytes:
    """Parts with their lengths before them: ("ab", "c") and ("a", "bc") can never meet."""
    encoded = [_bytes(part) for part in parts]
    return b"".join(len(part).to_bytes(4, "big") + part for part in encoded)


def _bytes(value: bytes | str) -> bytes:
    # surrogatepass: a hostile str must compare unequal, not raise
    return value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _raw(text: str) -> bytes:
    """Strictly: no padding, no foreign characters, no loose last bits, so one value has one spelling."""
    raw = base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
    if _text(raw) != text:
        raise binascii.Error("not the canonical spelling")
    return raw


_TAG_TEXT: Final = len(_text(bytes(TAG_BYTES)))

"""The only XML parser a stranger's bytes meet: no DTD, few elements, shallow, UTF-8, one root called `xml`.

callbacks.py reads the unverified envelope with it; sdk.py passes verified plaintext through it before wechatpy looks.
Limits of security.md C4: 64 KiB, depth 16, 200 elements. It resolves nothing and fetches nothing.
"""

import re
from collections.abc import Mapping
from typing import Any, Final
from xml.etree.ElementTree import Element, ParseError, TreeBuilder

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

MAX_BYTES: Final = 64 * 1024
MAX_DEPTH: Final = 16
MAX_ELEMENTS: Final = 200
# WeChat sends no declaration; one that claims another encoding is refused rather than believed.
DECLARATION: Final = re.compile(rb"""\s*<\?xml version=["']1\.0["'](?: encoding=["'][Uu][Tt][Ff]-8["'])? ?\?>""")


class BadXml(Exception):
    """Not a document we read. `reason` is one static word."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class _Limited(TreeBuilder):
    """Counts while the parser reads, so that a bomb ends at its two hundredth element and not after its last."""

    def __init__(self) -> None:
        super().__init__()
        self._depth = 0
        self._elements = 0

    def start(self, tag: Any, attrs: Mapping[Any, Any], /) -> Element:
        self._depth += 1
        self._elements += 1
        if self._depth > MAX_DEPTH or self._elements > MAX_ELEMENTS:
            raise BadXml("too_deep" if self._depth > MAX_DEPTH else "too_many")
        if attrs:
            raise BadXml("attributes")
        return super().start(tag, dict(attrs))

    def end(self, tag: Any, /) -> Element:
        self._depth -= 1
        return super().end(tag)

    def pi(self, _target: str, _text: str | None = None, /) -> Any:
        raise BadXml("instruction")


def read(raw: bytes) -> Element:
    """The root element. Raises BadXml, and nothing else, for every input."""
    if len(raw) > MAX_BYTES:
        raise BadXml("too_large")
    text = _plain_utf8(raw)
    parser = DefusedXMLParser(target=_Limited(), forbid_dtd=True, encoding="utf-8")
    try:
        parser.feed(text)
        root = parser.close()
    except (ParseError, DefusedXmlException, ValueError):
        raise BadXml("syntax") from None
    if not isinstance(root, Element) or root.tag != "xml":
        raise BadXml("root")
    return root


def single_text(root: Element, name: str) -> str:
    """The text of the one child of this name. Raises BadXml when it is missing, repeated or has children."""
    found = [child for child in root if child.tag == name]
    if len(found) != 1 or len(found[0]):
        raise BadXml("element")
    return found[0].text or ""


def _plain_utf8(raw: bytes) -> bytes:
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        raise BadXml("encoding") from None
    declared = DECLARATION.match(raw)
    body = raw[declared.end() :] if declared else raw
    # Any other declaration, a byte order mark and NULs (UTF-16 without a mark) all show here.
    if b"\x00" in raw or body.lstrip().startswith(b"<?") or not body.lstrip().startswith(b"<"):
        raise BadXml("encoding")
    return body

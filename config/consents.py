"""Consent texts by purpose and version, Chinese first. Plain data; identity/consent.py gives it meaning.

A new text is a new version beside the old one; a text that somebody accepted is never edited, for its hash stands in
their consent.
"""

from hashlib import sha256
from typing import Final, NamedTuple


class ConsentText(NamedTuple):
    """What is asked: for which purpose, in which version, who receives the data, and the words in both languages."""

    purpose: str
    version: str
    recipient: str
    zh: str
    en: str

    @property
    def digest(self) -> str:
        """Hex SHA-256 over every part with its length: what a consent row keeps of the text."""
        parts = (self.purpose, self.version, self.recipient, self.zh, self.en)
        return sha256(b"".join(len(part.encode()).to_bytes(4, "big") + part.encode() for part in parts)).hexdigest()


# Oldest first within a purpose; the last one of a purpose is what people are shown and must have accepted.
TEXTS: Final[tuple[ConsentText, ...]] = (
    ConsentText(
        "terms",
        "1",
        "本平台 this platform",
        "使用本服务即表示您同意《用户服务协议》和《隐私政策》。我们只收集办事必需的信息，您可以随时撤回同意或注销账号。",
        "By using this service you accept the terms of use and the privacy notice. Only what your business needs is"
        " collected; you may withdraw or close your account at any time.",
    ),
    ConsentText(
        "real_name",
        "1",
        "省统一身份认证平台 the province's identity service",
        "为确认您的身份，我们将把您填写的姓名和身份证号发送给省统一身份认证平台核验，加密保存，仅用于为您办事。您可以随时撤回。",
        "To confirm who you are, your name and id number are sent to the province's identity service to be checked,"
        " kept encrypted, and used only to serve you. You may withdraw at any time.",
    ),
    ConsentText(
        "face",
        "1",
        "小程序所在平台的人脸核身服务、省统一身份认证平台 the channel's face service, the province's identity service",
        "为确认是您本人办理，将使用您所在平台的人脸核身服务，并由省统一身份认证平台比对。本平台不接收、不保存您的人脸图像，只保存核验结果。"
        "您也可以不刷脸，改到窗口核验；同意后可以随时撤回。",
        "To confirm that it is you, your channel's face service is used and the province's identity service compares"
        " the result. We neither receive nor keep your face image, only the outcome. You may go to a counter instead,"
        " and may withdraw at any time.",
    ),
)

CURRENT: Final[dict[str, ConsentText]] = {text.purpose: text for text in TEXTS}

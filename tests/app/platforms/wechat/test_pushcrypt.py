"""WXBizMsgCrypt on both sides, each against the reference's vectors and against wechatpy as an oracle."""

import base64

import pytest
from wechatpy.crypto import WeChatCrypto

from app.platforms.wechat import pushcrypt
from app.platforms.wechat.stand_in import push as stand_in
from tests.support import wechat_push as push

# wechat.md 12, V1 and V2; "official" are the values of the 消息推送 page quoted there.
V1 = "dead6137eac0ecd69804d9cac817d543d256ea17"
V2_MESSAGE = (
    b'{"ToUserName":"gh_0123456789ab","FromUserName":"oSandboxUser0001","CreateTime":1750000000,"MsgType":"event",'
    b'"Event":"subscribe_msg_sent_event","List":{"TemplateId":"TPL_A","MsgID":"1864323726461255680","ErrorCode":"0",'
    b'"ErrorStatus":"success"}}'
)
V2_ENCRYPT = (
    "4j/AuRx71kQlxVlzbpsMWMsvxmrO68SI7hrYy/GgK1JLNarcvaSHXDbAmU5qsbHUFFnpSenxg+eCycwhI1GVavO0m3vfWUJFk6WhtCSC74RdKyF07rMl"
    "Ykwh3Sd712EytzTvCKHVgFlOl5lx6gxFTh3jBGSd6pBUNUdbE8tA4ORymezplLl7/BY7hTEtvdWCp+f7J0wDtMHb3SkKJSK8zNE1IL0aPF3spFAOUBDB"
    "dFHP91S6dAEcOtBlMaRzcU0+nkIaNQGJ8Tbf13O46aVX5nC9HT2tR5by8EBmRlZGi/K6C+kNFlUcoHaf3xq7zQiw4vp+nNIMmyyrNyOZLv/TPKe6oXc2"
    "MG+Kn1fagM0isHmPMi/MoWNMl7mu5NhuDTXC"
)
V2_SIGNATURE = "49f9efb3e67499d7f82bcd12d540ca13734282da"
OFFICIAL_ENCRYPT = "ELGduP2YcVatjqIS+eZbp80MNLoAUWvzzyJxgGzxZO/5sAvd070Bs6qrLARC9nVHm48Y4hyRbtzve1L32tmxSQ=="
OFFICIAL_APP = "wxba5fad812f8e6fb9"


@pytest.mark.parametrize("sign", [pushcrypt.signature, stand_in.signature])
def test_v1_url_check(sign):
    assert sign("1750000000", "829117", "sandboxtoken") == V1
    assert sign("AAAAA", "1714036504", "1514711492") == "f464b24fc39322e44b38aa78f5edd27bd1441696"


@pytest.mark.parametrize("sign", [pushcrypt.signature, stand_in.signature])
def test_v2_message_signature(sign):
    assert sign("sandboxtoken", "1750000000", "829117", V2_ENCRYPT) == V2_SIGNATURE
    official = sign("AAAAA", "1713424427", "415670741", OFFICIAL_ENCRYPT)
    assert official == "1b9339964ed2e271e7c7b6ff2b0ef902fc94dea1"


def test_v2_the_client_opens():
    assert pushcrypt.open_message(push.AES_KEY, push.APP_ID, V2_ENCRYPT) == V2_MESSAGE
    assert pushcrypt.open_message("A" * 43, OFFICIAL_APP, OFFICIAL_ENCRYPT) == b'{"demo_resp":"good luck"}'


def test_v2_the_stand_in_seals():
    assert stand_in.encrypt(push.AES_KEY, push.APP_ID, V2_MESSAGE, b"0123456789abcdef") == V2_ENCRYPT
    official = stand_in.encrypt("A" * 43, OFFICIAL_APP, b'{"demo_resp":"good luck"}', b"707722b803182950")
    assert official == OFFICIAL_ENCRYPT


def test_wechatpy_reads_what_the_stand_in_sealed():
    oracle = WeChatCrypto(push.TOKEN, push.AES_KEY, push.APP_ID)
    text = '{"办件":"已受理"}'
    encrypted = stand_in.encrypt(push.AES_KEY, push.APP_ID, text.encode())
    signed = stand_in.signature(push.TOKEN, "1750000000", "829117", encrypted)
    assert oracle.decrypt_message({"Encrypt": encrypted}, signed, "1750000000", "829117") == text


@pytest.mark.parametrize("size", range(0, 70, 3))
def test_every_length_of_padding_opens(size):
    text = b"x" * size
    encrypted = stand_in.encrypt(push.AES_KEY, push.APP_ID, text)
    assert pushcrypt.open_message(push.AES_KEY, push.APP_ID, encrypted) == text


@pytest.mark.parametrize(
    "encrypted",
    [
        "",
        "A",
        "AAAA",
        "!!!!",
        "办件",
        V2_ENCRYPT[:-4],
        V2_ENCRYPT + "AAAA",
        V2_ENCRYPT.replace("+", "-"),
        " " + V2_ENCRYPT,
    ],
)
def test_what_is_no_ciphertext_is_unreadable(encrypted):
    with pytest.raises(pushcrypt.Unreadable):
        pushcrypt.open_message(push.AES_KEY, push.APP_ID, encrypted)


def padded(text=b"{}", **spoil):
    return base64.b64encode(push.encrypt(push.plaintext(text, **spoil))).decode()


@pytest.mark.parametrize(
    "spoil",
    [
        {"fill": b"\x00" * 24},
        {"fill": b"\x21" * 24},
        {"fill": b"\x01" * 24},
        {"fill": b"\x18" * 22 + b"\x01\x18"},
        {"fill": b"\x18" * 23 + b"\x19"},
        {"fill": b"\x08" * 8},
        {"length": 0},
        {"length": 1},
        {"length": 3},
        {"length": 2**32 - 1},
        {"app_id": "wx0000000000000000"},
        {"app_id": ""},
        {"app_id": push.APP_ID + " "},
    ],
)
def test_padding_length_and_app_are_all_checked(spoil):
    with pytest.raises(pushcrypt.Unreadable):
        pushcrypt.open_message(push.AES_KEY, push.APP_ID, padded(**spoil))


def test_a_signature_is_compared_as_bytes_and_exactly():
    right = pushcrypt.signature("a", "b")
    assert pushcrypt.is_signed(right, "a", "b")
    for wrong in ("", right[:-1], right.upper(), right + "0", "签名", right.replace(right[0], "ü", 1)):
        assert not pushcrypt.is_signed(wrong, "a", "b")

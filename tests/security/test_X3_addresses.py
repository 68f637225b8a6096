"""X3: only plain public unicast addresses, whatever they are wrapped in. Expectations are ours, not ipaddress's."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.egress import is_permitted

PUBLIC = [
    "8.8.8.8",
    "1.1.1.1",
    "223.5.5.5",
    "2001:4860:4860::8888",
    "2400:3200::1",
    "::ffff:8.8.8.8",
    "64:ff9b::808:808",
]

REFUSED = [
    # report is_global=True on Python 3.11.7
    "64:ff9b::7f00:1", "2002:7f00:1::", "::7f00:1", "fec0::1", "224.0.0.1", "192.0.0.192", "168.63.129.16",
    # neither private nor global
    "100.64.0.1", "100.100.100.200",
    # wrapped
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::ffff:224.0.0.1", "::ffff:0:7f00:1",
    "64:ff9b::a00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::808:808", "2002:a9fe:a9fe::1", "2002:0a00:0001::",
    "2001:0:7f00:1::", "2001:0:4136:e378:8000:63bf:80ff:fffe", "2001:4860:4860::5efe:7f00:1",
    "2001:4860:4860:0:200:5efe:7f00:1", "::10.0.0.1",
    # plain
    "0.0.0.0", "0.1.2.3", "10.0.0.1", "127.0.0.1", "127.255.255.254", "169.254.169.254", "172.16.0.1", "172.31.255.255",
    "192.0.0.1", "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "239.1.1.1",
    "240.0.0.1", "255.255.255.255", "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "ff02::1",
    "2001:db8::1", "100::1", "2001:10::1", "3fff::1",
    # no addresses at all
    "", "localhost", "127.1", "0x7f000001", "2130706433", "8.8.8.8.", "8.8.8.8 ", "８.8.8.8", "08.8.8.8", "[::1]",
]  # fmt: skip

INWARD_NETWORKS = [
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
    "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
    "224.0.0.0/4", "240.0.0.0/4",
]  # fmt: skip


@pytest.mark.parametrize("text", PUBLIC)
def test_public_addresses_pass(text):
    assert is_permitted(text)


@pytest.mark.parametrize("text", REFUSED)
def test_every_other_address_is_refused(text):
    assert not is_permitted(text)


def wrappings(address: ipaddress.IPv4Address) -> list[str]:
    number = int(address)
    forms = [
        number | 0xFFFF << 32,  # mapped
        number,  # compatible
        number | 0xFFFF << 48,  # translated
        number | 0x64FF9B << 96,  # NAT64
        0x2002 << 112 | number << 80,  # 6to4
        0x20010000 << 96 | number << 64 | 0xF7F7F7F7,  # Teredo server
        0x20010000 << 96 | 0x08080808 << 64 | (number ^ 0xFFFFFFFF),  # Teredo client
        0x20014860 << 96 | 0x5EFE << 32 | number,  # ISATAP
    ]
    return [str(address), *(str(ipaddress.IPv6Address(form)) for form in forms)]


@given(st.sampled_from(INWARD_NETWORKS), st.integers(0))
def test_no_inward_network_passes_in_any_wrapping(network, offset):
    block = ipaddress.IPv4Network(network)
    for form in wrappings(block[offset % block.num_addresses]):
        assert not is_permitted(form), form


@given(
    st.sampled_from(["fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8", "2001:db8::/32", "64:ff9b:1::/48"]),
    st.integers(0),
)
def test_no_inward_ipv6_network_passes(network, offset):
    block = ipaddress.IPv6Network(network)
    assert not is_permitted(str(block[offset % block.num_addresses]))

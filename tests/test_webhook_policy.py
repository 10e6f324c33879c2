"""Where a webhook may go, whatever a name resolves to, and how the receiver knows that it is us."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from alerts.channels.webhook_policy import WebhookPolicy, is_loopback
from alerts.channels.webhook_signature import TOLERANCE_S, sign, verify

HOST = "cta.cotedor.example"
OPEN = WebhookPolicy(allowed_hosts=frozenset({HOST, "localhost", "127.0.0.1", "::1"}), private_networks=True)
CLOSED = WebhookPolicy(allowed_hosts=OPEN.allowed_hosts)
SECRET = "shared with the receiver"

NEVER = [
    *("0.0.0.0", "0.1.2.3", "127.0.0.1", "127.8.8.8", "169.254.0.1", "169.254.169.254", "100.64.0.1"),  # noqa: S104
    *("192.0.2.1", "198.18.0.1", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255"),
    *("168.63.129.16", "100.100.100.200", "192.0.0.192", "fd00:ec2::254"),
    *("::", "::1", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "ff0e::1", "2001:db8::1", "100::1"),
    *("::ffff:127.0.0.1", "::ffff:169.254.169.254", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::"),
    *("", "cta", "1.2.3", "2130706433", "0x7f000001", "1.2.3.4/8", "1.2.3.4\n"),
]
PRIVATE = [
    "10.0.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "fd12:3456::1",
    "::ffff:10.0.0.1",
    "64:ff9b::a00:1",
]
GLOBAL = ["93.184.216.34", "172.32.0.1", "2a01:e0a::1", "::ffff:93.184.216.34", "64:ff9b::5db8:d822"]


@pytest.mark.parametrize("address", NEVER)
def test_address_that_nobody_may_mean_is_refused_even_with_private_networks(address: str) -> None:
    assert OPEN.refuse_address(HOST, address) is not None
    assert CLOSED.refuse_address(HOST, address) is not None


@pytest.mark.parametrize("address", PRIVATE)
def test_private_address_needs_private_networks(address: str) -> None:
    assert "private_networks" in (CLOSED.refuse_address(HOST, address) or "")
    assert OPEN.refuse_address(HOST, address) is None


@pytest.mark.parametrize("address", GLOBAL)
def test_global_address_is_allowed(address: str) -> None:
    assert CLOSED.refuse_address(HOST, address) is None


@pytest.mark.parametrize(("host", "address"), [("localhost", "::1"), ("localhost", "127.0.0.1"), ("::1", "::1")])
def test_this_machine_is_reached_under_its_own_name_only(host: str, address: str) -> None:
    assert OPEN.refuse_address(host, address) is None
    assert CLOSED.refuse_address(host, address) is not None
    assert OPEN.refuse_address(HOST, address) is not None


@given(st.ip_addresses())
@example(ipaddress.ip_address("::ffff:0.0.0.0"))
def test_what_is_allowed_is_global_or_private_and_never_this_machine(address: ipaddress.IPv4Address) -> None:
    if OPEN.refuse_address(HOST, str(address)) is None:
        assert not (address.is_loopback or address.is_link_local or address.is_multicast or address.is_unspecified)
    if CLOSED.refuse_address(HOST, str(address)) is None:
        assert not address.is_private or getattr(address, "ipv4_mapped", None) is not None


@given(st.text(max_size=60))
def test_no_name_crashes_the_policy(text: str) -> None:
    is_loopback(text)
    assert OPEN.refuse_url("https", text) is not None or text in OPEN.allowed_hosts
    OPEN.refuse_address(text, text)


@pytest.mark.parametrize(
    ("scheme", "host", "plain_http", "allowed"),
    [
        ("https", HOST, False, True),
        ("http", HOST, False, False),
        ("http", HOST, True, True),
        ("http", "localhost", False, True),
        ("http", "127.0.0.1", False, True),
        ("ftp", HOST, True, False),
        ("https", "other.example", True, False),
        ("https", f"x.{HOST}", True, False),
        ("https", f"{HOST}.", True, False),
    ],
)
def test_url_is_of_an_allowed_host_and_encrypted(scheme: str, host: str, plain_http: bool, allowed: bool) -> None:
    policy = WebhookPolicy(allowed_hosts=OPEN.allowed_hosts, plain_http=plain_http)
    assert (policy.refuse_url(scheme, host) is None) is allowed


def test_signature_is_what_the_documentation_says() -> None:
    """Computed with: printf '1768376523.{}' | openssl dgst -sha256 -hmac 'shared with the receiver'"""
    expected = "v1=409fe4c3ccf40518f700ed04589c2cb0b5f2c7916acab58d8b96d8b4af63e5fb"
    assert sign(SECRET, "1768376523", b"{}") == expected


@given(st.binary(max_size=50), st.binary(max_size=50), st.integers(0, 10**10))
def test_other_body_time_or_secret_is_not_believed(body: bytes, other: bytes, at: int) -> None:
    signature = sign(SECRET, str(at), body)
    assert verify(SECRET, str(at), signature, body, now_s=at)
    assert verify(SECRET, str(at), signature, other, now_s=at) is (other == body)
    assert not verify(SECRET, str(at + 1), signature, body, now_s=at)
    assert not verify("another secret", str(at), signature, body, now_s=at)


@pytest.mark.parametrize("late_s", [-TOLERANCE_S - 1, TOLERANCE_S + 1, 86_400])
def test_old_document_sent_again_by_somebody_else_is_not_believed(late_s: int) -> None:
    assert not verify(SECRET, "1768376523", sign(SECRET, "1768376523", b"{}"), b"{}", now_s=1768376523 + late_s)


@given(st.text(max_size=30), st.text(max_size=80))
def test_no_header_crashes_the_receiver_or_is_believed(timestamp: str, signature: str) -> None:
    assert not verify(SECRET, timestamp, signature, b"{}", now_s=1768376523)

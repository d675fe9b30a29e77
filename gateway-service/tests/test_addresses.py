"""Whom `X-Forwarded-For` is believed, and how far."""

from ipaddress import ip_network

import pytest

from gateway.addresses import TrustedProxies
from gateway.settings import GatewaySettings

pytestmark = pytest.mark.security

PROXY, CALLER, LIAR = "10.0.0.1", "203.0.113.7", "198.51.100.1"
NOWHERE = {"mongo_url": "m", "broker_url": "b", "s3_endpoint_url": "", "s3_access_key": "a", "s3_secret_key": "s"}

trusting = TrustedProxies([ip_network("10.0.0.0/8"), ip_network("fd00::/8")])


@pytest.mark.parametrize(
    ("peer", "headers", "client"),
    [
        (CALLER, [], CALLER),
        (CALLER, [LIAR], CALLER),  # not a proxy: its word counts for nothing
        (PROXY, [], PROXY),
        (PROXY, [CALLER], CALLER),
        (PROXY, [f"{LIAR}, {CALLER}"], CALLER),
        (PROXY, [LIAR, CALLER], CALLER),
        (PROXY, [f"{CALLER}, 10.0.0.2, 10.0.0.3"], CALLER),
        (PROXY, ["10.0.0.2,10.0.0.3"], "10.0.0.2"),
        (PROXY, ["fd00::5"], "fd00::5"),
        ("fd00::1", ["2001:DB8:0::1"], "2001:db8::1"),
        (PROXY, [f"{CALLER}:4711"], CALLER),
        (PROXY, ["[2001:db8::1]:4711"], "2001:db8::1"),
        (PROXY, [f"::ffff:{CALLER}"], CALLER),
        ("::ffff:10.0.0.1", [CALLER], CALLER),
        (PROXY, [f"{LIAR}, unknown"], PROXY),
        (PROXY, [f"{LIAR}, <script>, 10.0.0.3"], "10.0.0.3"),
        (PROXY, [""], PROXY),
        (None, [CALLER], None),
        ("testclient", [CALLER], None),
    ],
)
def test_the_last_address_that_no_proxy_of_ours_has_is_the_callers(peer, headers, client):
    assert trusting.client(peer, headers) == client


def test_without_trusted_proxies_nobody_is_believed():
    assert TrustedProxies().client(PROXY, [CALLER]) == PROXY


@pytest.mark.parametrize(
    ("text", "networks"),
    [("", ()), ("10.0.0.0/8", ("10.0.0.0/8",)), ("10.1.2.3, fd00::/8,", ("10.1.2.3/32", "fd00::/8"))],
)
def test_the_setting_is_a_list_by_commas(monkeypatch, text, networks):
    monkeypatch.setenv("REELWORK_TRUSTED_PROXIES", text)

    assert GatewaySettings(**NOWHERE).trusted_proxies == tuple(ip_network(network) for network in networks)


@pytest.mark.parametrize("text", ["nginx", "10.0.0.0/33", "10.0.0.1/8", "*"])
def test_what_is_no_network_is_refused_at_the_start(monkeypatch, text):
    monkeypatch.setenv("REELWORK_TRUSTED_PROXIES", text)

    with pytest.raises(ValueError, match="trusted_proxies"):
        GatewaySettings(**NOWHERE)

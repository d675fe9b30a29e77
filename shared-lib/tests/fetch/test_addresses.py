"""Which addresses are of the public internet."""

from ipaddress import ip_address, ip_network

import pytest

from reelwork.fetch.addresses import checked, is_public, unsafe_in_production
from reelwork.fetch.refusal import Refused

pytestmark = pytest.mark.security


@pytest.mark.parametrize(
    "address", ["1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "172.15.0.1", "172.32.0.1"]
)
def test_public_addresses_are_taken(address: str):
    assert is_public(ip_address(address))


@pytest.mark.parametrize("address", ["2606:4700:4700::1111", "2a00:1450:4001::1", "2400:cb00::1"])
def test_public_addresses_of_version_six_are_taken(address: str):
    assert is_public(ip_address(address))


@pytest.mark.parametrize("address", ["2606:4700::1%eth0", "4000::1", "1::1", "3fff::1", "5f00::1", "::1.1.1.1"])
def test_what_is_not_given_out_or_has_a_zone_is_not_public(address: str):
    assert not is_public(ip_address(address))


def test_addresses_of_a_name_keep_their_order_without_repetitions():
    assert [str(address) for address in checked(["8.8.8.8", "1.1.1.1", "8.8.8.8"], ())] == ["8.8.8.8", "1.1.1.1"]


def test_an_allowed_network_is_taken_in_its_plain_form_only():
    allow = (ip_network("127.0.0.0/8"),)

    assert checked(["127.0.0.1"], allow) == [ip_address("127.0.0.1")]
    with pytest.raises(Refused):
        checked(["::ffff:127.0.0.1"], allow)


@pytest.mark.parametrize(
    "network",
    ["127.0.0.1/32", "127.0.0.0/8", "0.0.0.0/0", "::/0", "::1/128", "169.254.169.254/32", "fe80::/64", "100.0.0.0/8"],
)
def test_networks_with_the_machine_itself_or_metadata_are_unsafe(network: str):
    assert unsafe_in_production([ip_network("10.0.0.0/8"), ip_network(network)]) == ip_network(network)


@pytest.mark.parametrize("network", ["10.0.0.0/8", "192.168.0.0/16", "fd12:3456::/32"])
def test_other_private_networks_may_be_opened(network: str):
    assert unsafe_in_production([ip_network(network)]) is None

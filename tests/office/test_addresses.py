"""B22: from where a key may be used: addresses and networks, IPv4 and IPv6."""

from __future__ import annotations

import pytest

from exchange.office.addresses import MAX_ADDRESSES, AddressList, BadAddress


@pytest.mark.parametrize(
    ("words", "address", "admitted"),
    [
        (("203.0.113.7",), "203.0.113.7", True),
        (("203.0.113.7",), "203.0.113.8", False),
        (("203.0.113.0/24",), "203.0.113.255", True),
        (("203.0.113.0/24",), "203.0.114.0", False),
        (("2001:db8::/48",), "2001:db8::1", True),
        (("2001:db8::/48",), "2001:0DB8:0000::1", True),
        (("2001:db8::/48",), "2001:db8:1::1", False),
        (("10.0.0.1", "2001:db8::1"), "2001:db8::1", True),
        (("203.0.113.7",), "::ffff:203.0.113.7", True),
        (("::cb00:7107",), "203.0.113.7", False),
        (("0.0.0.0/1",), "", False),
        (("0.0.0.0/1", "::/1"), "unknown", False),
        (("0.0.0.0/1",), "1.2.3.4:80", False),
    ],
)
def test_b22_who_is_on_the_list_is_admitted_and_nobody_else(
    words: tuple[str, ...], address: str, admitted: bool
) -> None:
    """B22: also an IPv4 client of a socket that speaks IPv6; never one without a readable address."""
    assert AddressList(words).admits(address) is admitted


@pytest.mark.parametrize(
    ("word", "why"),
    [
        *(("", "no address"), ("example.com", "no address"), ("203.0.113", "no address"), ("1.2.3.4/33", "no address")),
        *(("203.0.113.007", "no address"), ("1", "no address"), ("1.2.3.4 ", "no address"), ("a b", "no address")),
        ("203.0.113.5/24", "is 203.0.113.0/24 meant"),
        *(("0.0.0.0/0", "every address"), ("::/0", "every address")),
        *(("::ffff:1.2.3.4", "write an IPv4 address as such"), ("fe80::1%eth0", "none with a zone")),
    ],
)
def test_b22_what_is_no_network_or_all_of_them_is_refused(word: str, why: str) -> None:
    with pytest.raises(BadAddress, match=why):
        AddressList(("10.0.0.1", word))


def test_b22_a_list_is_shown_as_it_would_be_typed() -> None:
    words = ("203.0.113.7/32", "203.0.113.0/24", "2001:DB8:0::/48", "203.0.113.7")
    assert AddressList(words).texts == ("203.0.113.7", "203.0.113.0/24", "2001:db8::/48")


def test_b22_a_list_has_an_end() -> None:
    AddressList(tuple(f"10.0.0.{last}" for last in range(MAX_ADDRESSES)))
    with pytest.raises(BadAddress, match="at most"):
        AddressList(tuple(f"10.0.0.{last}" for last in range(MAX_ADDRESSES + 1)))

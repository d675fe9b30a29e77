"""How an address is read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelwork.fetch.refusal import Refused
from reelwork.fetch.rules import LONGEST_URL, FetchRules
from reelwork.fetch.target import Target

pytestmark = pytest.mark.security

RULES = FetchRules()


@pytest.mark.parametrize(
    ("url", "host", "port", "resource"),
    [
        ("https://example.com", "example.com", 443, "/"),
        ("HTTPS://EXAMPLE.com./a%20b?x=1&y=%2F#part", "example.com", 443, "/a%20b?x=1&y=%2F"),
        ("https://example.com:80/", "example.com", 80, "/"),
        ("https://example.com?x", "example.com", 443, "/?x"),
        ("https://1.1.1.1/p", "1.1.1.1", 443, "/p"),
        ("https://[2606:4700:4700:0::1111]/p", "2606:4700:4700::1111", 443, "/p"),
        ("https://xn--bcher-kva.example.com/", "xn--bcher-kva.example.com", 443, "/"),
        ("https://my_bucket.s3.example.com/a/../b//c;d", "my_bucket.s3.example.com", 443, "/a/../b//c;d"),
    ],
)
def test_a_web_address_is_taken_apart(url: str, host: str, port: int, resource: str):
    target = Target.parse(url, RULES)

    assert (target.host, target.port, target.resource) == (host, port, resource)
    assert Target.parse(target.url, RULES) == target


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://example.com/", "scheme"),
        ("https://user@example.com/", "credentials"),
        ("https://example.com:8443/", "port"),
        ("https://example.com/ü", "characters"),
        (f"https://example.com/{'a' * LONGEST_URL}", "too_long"),
        ("https://127.1/", "host"),
        ("https://localhost/", "not_public"),
    ],
)
def test_a_refusal_says_what_is_wrong(url: str, code: str):
    with pytest.raises(Refused) as refused:
        Target.parse(url, RULES)

    assert refused.value.code == code


@given(st.text(st.characters(max_codepoint=0x2FF)) | st.from_regex(r"https://[\[\]a-z0-9.:@%\\]{0,12}/?[#?]?.{0,3}"))
def test_whatever_is_read_is_read_or_refused_and_read_again_the_same(text: str):
    start = Target.parse("https://example.com/a/x", RULES)
    for read in (lambda: Target.parse(text, RULES), lambda: start.moved(text, RULES)):
        try:
            target = read()
        except Refused:
            continue
        assert Target.parse(target.url, RULES) == target


@pytest.mark.parametrize(
    "location", ["https://[::1", "https://[bad]/", "https://a]b/", "//[", "https://a\\b", "s3://a/b"]
)
def test_a_redirect_to_what_is_no_web_address_is_refused(location: str):
    with pytest.raises(Refused):
        Target.parse("https://example.com/a/x", RULES).moved(location, RULES)


def test_plain_http_is_taken_where_the_rules_say_so():
    assert Target.parse("http://example.com/", FetchRules(plain_http=True)).port == 80


@pytest.mark.parametrize(
    ("location", "url"),
    [
        ("/b?x", "https://example.com/b?x"),
        ("b", "https://example.com/a/b"),
        ("//other.example.com/b", "https://other.example.com/b"),
        ("https://other.example.com", "https://other.example.com/"),
        ("?x", "https://example.com/a/x?x"),
    ],
)
def test_a_redirect_leads_where_it_says(location: str, url: str):
    assert Target.parse("https://example.com/a/x", RULES).moved(location, RULES).url == url

"""Which URLs and addresses the guarded client takes."""

import pytest

from gateway.lib import http_addresses as addresses

PUBLIC = ["1.1.1.1", "8.8.8.8", "93.184.216.34", "172.15.255.255", "172.32.0.0", "100.63.255.255", "100.128.0.0",
          "198.17.255.255", "223.255.255.255", "2606:4700:4700::1111", "2a00:1450:4001:81b::200e", "2400:cb00::1"]
PRIVATE = [
    "0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.100.100.200", "100.127.255.255",
    "168.63.129.16", "169.254.0.1", "169.254.169.254", "169.254.170.2", "172.16.0.1", "172.31.255.255",
    "192.0.0.1", "192.0.0.192", "192.0.2.1", "192.88.99.1", "192.168.0.1", "198.18.0.1", "198.19.255.255",
    "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
    "::", "::2", "::1.1.1.1", "::8.8.8.8", "::ffff:1.1.1.1", "::ffff:10.0.0.1", "::ffff:127.0.0.1",
    "::ffff:0:127.0.0.1", "64:ff9b::1.1.1.1", "64:ff9b::7f00:1", "64:ff9b:1::1", "100::1", "2001::1",
    "2001:0:4136:e378::1", "2001:2::1", "2001:10::1", "2001:20::1", "2001:db8::1", "2002:7f00:1::1",
    "2002:0101:0101::1", "3fff::1", "5f00::1", "fc00::1", "fd00:ec2::254", "fd12::1", "fe80::1", "fe80::1%eth0",
    "fec0::1", "ff02::1", "ff0e::1", "2606:4700::1%1", "not an address", "",
]
LOOPBACK = ["127.0.0.1", "127.1.2.3", "127.255.255.255", "::1"]


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_may_be_reached(address):
    assert addresses.may_reach(address, allow_loopback=False)


@pytest.mark.parametrize("address", PRIVATE)
@pytest.mark.parametrize("allow_loopback", [False, True])
def test_other_addresses_may_not_whatever_the_setting(address, allow_loopback):
    assert not addresses.may_reach(address, allow_loopback=allow_loopback)


@pytest.mark.parametrize("address", LOOPBACK)
def test_loopback_may_be_reached_where_the_setting_says_so(address):
    assert addresses.may_reach(address, allow_loopback=True)
    assert not addresses.may_reach(address, allow_loopback=False)


@pytest.mark.parametrize(
    ("url", "scheme", "host", "port", "path", "query"),
    [
        ("https://shop.example", "https", "shop.example", 443, "/", ""),
        ("http://shop.example", "http", "shop.example", 80, "/", ""),
        ("HTTPS://Shop.Example:8443/a/b?x=1&y=%20", "https", "Shop.Example", 8443, "/a/b", "x=1&y=%20"),
        ("https://1.1.1.1/a", "https", "1.1.1.1", 443, "/a", ""),
        ("https://[2606:4700:4700::1111]:443/", "https", "2606:4700:4700::1111", 443, "/", ""),
        ("https://hooks.my_shop.example./@here:80?@", "https", "hooks.my_shop.example.", 443, "/@here:80", "@"),
        ("https://xn--bcher-kva.example/", "https", "xn--bcher-kva.example", 443, "/", ""),
        ("https://1.2.3.4.example/", "https", "1.2.3.4.example", 443, "/", ""),
    ],
)
def test_plain_urls_pass_as_written(url, scheme, host, port, path, query):
    target = addresses.check_url(url, allow_loopback=False)

    assert target == addresses.Target(scheme, host, port, path, query)


REFUSED = {
    "must start with https:// or http://": [
        "", "shop.example", "//shop.example/", "ftp://shop.example/", "file:///etc/passwd", "gopher://shop.example/",
        "javascript:alert(1)", "https:/shop.example", "https:shop.example", " https://shop.example", "ws://a.example/",
    ],
    "must not hold a user name or password": [
        "https://user@shop.example/", "https://user:pass@shop.example/", "https://1.1.1.1@127.0.0.1/",
        "https://@shop.example/", "https://a@b@shop.example",
    ],
    "must not hold a backslash": ["https://shop.example\\@127.0.0.1/", "https://a.example/\\", "https://\\a.example"],
    "must not hold spaces": [
        "https://shop.example/a b", "https://shop.example/\r\nX: y", "https://shop.exa\tmple/", "https://a.example/\0",
        "https://shop.example/\x7f", "https://shop.example\n",
    ],
    "must be written in ASCII": [
        "https://bücher.example/", "https://shop.example/ü", "https://①②⑦.0.0.1/", "https://127。0。0。1/",
        "https://shop.example\u2028/",
    ],
    "must not hold a fragment (#)": ["https://shop.example/#a", "https://shop.example#@127.0.0.1/"],
    "port must be 80, 443 or from 1024 to 65535": [
        "https://shop.example:0/", "https://shop.example:22/", "https://shop.example:25/", "https://a.example:65536/",
        "https://shop.example:99999/", "https://shop.example:00022/",
    ],
    "is not a valid URL": [
        "https://", "https:///hook", "https://?a", "https://shop.example:/", "https://shop.example:-1/",
        "https://shop.example:123456/", "https://[::1", "https://%31.example/", "https://shop.example:8o/",
        "https://[fe80::1%25eth0]/", "https://shop.example/<script>", "https://shop.example/{id}",
    ],
    "host name is not valid": ["https://-shop.example/", "https://shop..example/", "https://.example/", "https://./",
                               "https://shop.example../", f"https://{'a' * 64}.example/"],
    "host is not a valid IPv6 address": ["https://[::1::]/", "https://[1.1.1.1:]/", "https://[12345::]/"],
    "numeric host must be a plain IPv4 address": [
        "http://2130706433/", "http://0x7f000001/", "http://0x7f.1/", "http://127.1/", "http://127.0.1/",
        "http://0177.0.0.1/", "http://017700000001/", "http://127.0.0.01/", "http://0x7f.0x0.0x0.0x1/",
        "http://1.1.1.1./", "http://0/", "http://1.2.3.4.5/", "http://256.1.1.1/", "http://shop.0x/", "http://a.1/",
        "http://4294967296/", "http://00000000000000000000177.0.0.1/",
    ],
    "address is not public": [
        "http://127.0.0.1/", "http://10.0.0.1/", "http://169.254.169.254/latest/meta-data/", "http://[::1]/",
        "http://[::ffff:127.0.0.1]/", "http://[::ffff:7f00:1]/", "http://[64:ff9b::7f00:1]/", "http://[::7f00:1]/",
        "http://[fd00:ec2::254]/", "http://192.168.1.1:8080/", "http://0.0.0.0/", "http://[::]/", "http://100.64.0.1/",
        "http://[2002:7f00:1::]/", "http://224.0.0.1/",
    ],
    "must be at most 2000 characters": ["https://shop.example/" + "a" * 2000],
}


@pytest.mark.parametrize(("reason", "url"), [(reason, url) for reason, urls in REFUSED.items() for url in urls])
def test_other_urls_are_refused_in_words(reason, url):
    with pytest.raises(addresses.UrlRefused) as refusal:
        addresses.check_url(url, allow_loopback=False)

    assert str(refusal.value).startswith(reason)


def test_loopback_urls_pass_only_where_allowed_and_open_nothing_else():
    assert addresses.check_url("http://127.0.0.1:9000/hook", allow_loopback=True).port == 9000
    assert addresses.check_url("http://[::1]:9000/hook", allow_loopback=True).host == "::1"
    for url in ("http://10.0.0.1/", "http://[::ffff:127.0.0.1]/", "http://169.254.169.254/", "http://0.0.0.0/"):
        with pytest.raises(addresses.UrlRefused):
            addresses.check_url(url, allow_loopback=True)


@pytest.mark.parametrize(
    ("found", "passes"),
    [
        (["1.1.1.1"], True),
        (["1.1.1.1", "2606:4700::1111"], True),
        (["1.1.1.1", "10.0.0.1"], False),
        (["127.0.0.1"], False),
        (["2606:4700::1111", "fd00::1"], False),
        (["::ffff:10.0.0.1"], False),
    ],
)
def test_a_name_is_refused_at_saving_if_any_of_its_addresses_is_not_public(monkeypatch, found, passes):
    monkeypatch.setattr(addresses, "resolve", lambda host, port: found)

    if passes:
        addresses.check_destination("https://shop.example/", allow_loopback=False)
    else:
        with pytest.raises(addresses.UrlRefused, match="address is not public"):
            addresses.check_destination("https://shop.example/", allow_loopback=False)


def test_a_name_that_cannot_be_resolved_now_may_be_saved(monkeypatch):
    def unknown(host, port):
        raise OSError("unknown")

    monkeypatch.setattr(addresses, "resolve", unknown)

    addresses.check_destination("https://shop.example/", allow_loopback=False)


def test_a_name_server_that_never_answers_holds_saving_up_for_its_time_only(monkeypatch):
    import threading
    import time

    release = threading.Event()
    monkeypatch.setattr(addresses, "resolve", lambda host, port: release.wait(5) and [])
    started = time.monotonic()

    addresses.check_destination("https://shop.example/", allow_loopback=False, seconds=0.2)

    assert time.monotonic() - started < 1
    release.set()

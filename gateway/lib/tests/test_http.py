"""The guarded client against receivers with bad manners, all of them real sockets."""

import asyncio
import contextlib
import gzip
import re
import socket
import ssl
import threading
import time
import tracemalloc
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from gateway.lib import http, http_addresses
from gateway.lib import http_testing as there_are

TIMEOUT = 0.7


def fetch(url, **more):
    return http.fetch(http.OutboundRequest(url, **{"timeout": TIMEOUT, "allow_loopback": True, **more}))


def test_the_request_arrives_as_it_was_given_and_the_answer_as_it_was_sent():
    with there_are.receiver(there_are.answer(201, b"made", {"X-Kept": "yes", "Set-Cookie": "a=b"})) as there:
        response = fetch(there.url + "//a/../b%2F?q=%7E&r=+", body=b'{"a":1}', headers={"X-Given": "v"})

    [request] = there.requests
    assert (request.method, request.path, request.body) == ("POST", "/hook//a/../b%2F?q=%7E&r=+", b'{"a":1}')
    assert request.headers["x-given"] == "v"
    assert request.headers["host"] == there.url.removeprefix("http://").removesuffix("/hook")
    assert request.headers["accept-encoding"] == "identity"
    assert (response.status, response.ok, response.body, response.cut) == (201, True, b"made", "")
    assert response.headers["x-kept"] == "yes"
    assert 0 <= response.duration_ms < 10 * TIMEOUT * 1000


def fails(kind, words):
    return pytest.raises(kind, match=f"^{re.escape(words)}$")


NASTY = {
    "silent": "no answer within 0.7 s",
    "drip_header": "no answer within 0.7 s",
    "header_flood": "answer is not valid HTTP",
    "long_header_line": "answer is not valid HTTP",
    "interim_flood": "answer is not valid HTTP",
    "close_at_once": "connection closed without an answer",
    "reset": "connection reset",
    "not_http": "answer is not valid HTTP",
}


@pytest.mark.parametrize(("behaviour", "words"), NASTY.items())
def test_no_answer_ends_in_time_and_in_words(behaviour, words):
    with there_are.receiver(getattr(there_are, behaviour)) as there:
        started = time.monotonic()
        with pytest.raises(http.NoAnswer) as error:
            fetch(there.url, body=b"{}")
        took = time.monotonic() - started

    assert str(error.value) == words
    assert took < TIMEOUT + 1
    assert there.connections == 1


CUT = {
    "drip_body": "body not complete within 0.7 s",
    "endless_chunks": "body longer than 64 KiB",
    "tiny_chunks": "body longer than 64 KiB",
    "huge_body": "body longer than 64 KiB",
    "half_body": "connection closed within the body",
}


@pytest.mark.parametrize(("behaviour", "words"), CUT.items())
def test_a_body_that_is_no_good_is_cut_and_its_status_kept(behaviour, words):
    """What is cut for its size is so long before a deadline that a busy machine keeps as well."""
    deadline = TIMEOUT if behaviour == "drip_body" else 10 * TIMEOUT
    with there_are.receiver(getattr(there_are, behaviour)) as there:
        started = time.monotonic()
        tracemalloc.start()
        try:
            response = fetch(there.url, body=b"{}", timeout=deadline)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        took = time.monotonic() - started

    assert (response.status, response.cut) == (200, words)
    assert len(response.body) <= http.MAX_BODY
    assert took < deadline + 1
    assert peak < 10 * 1024 * 1024
    assert there.bytes_written < 20 * 1024 * 1024  # of 300 MB: what the sockets' buffers took


def test_a_body_of_exactly_the_limit_is_whole():
    with there_are.receiver(there_are.answer(200, b"a" * http.MAX_BODY)) as there:
        response = fetch(there.url)

    assert (len(response.body), response.cut) == (64 * 1024, "")


def test_a_gzip_bomb_is_never_unpacked():
    bomb = gzip.compress(b"\0" * 20_000_000)
    with there_are.receiver(there_are.answer(200, bomb, {"Content-Encoding": "gzip"})) as there:
        response = fetch(there.url)

    assert response.body == bomb[: http.MAX_BODY]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_answers_and_not_followed(status):
    with there_are.receiver(there_are.answer()) as other:
        redirect = there_are.answer(status, b"", {"Location": other.url})
        with there_are.receiver(redirect) as there:
            response = fetch(there.url)

    assert (response.status, response.ok) == (status, False)
    assert other.connections == 0


def test_a_request_that_is_never_read_ends_in_time():
    listener = socket.create_server(("127.0.0.1", 0))
    started = time.monotonic()

    with fails(http.NoAnswer, "no answer within 0.7 s"):
        fetch(f"http://127.0.0.1:{listener.getsockname()[1]}/", body=b"a" * 20_000_000)

    assert time.monotonic() - started < TIMEOUT + 1
    listener.close()


def test_a_closed_port_refuses_and_nothing_was_sent():
    with there_are.receiver(there_are.answer()) as there:
        pass

    with fails(http.NotSent, "connection refused"):
        fetch(there.url)


def test_header_text_is_storable():
    with there_are.receiver(there_are.answer(200, b"", {"X-Odd": "caf\xe9 \xff", "x-a": "1", "X-A": "2"})) as there:
        response = fetch(there.url)

    assert response.headers["x-odd"] == "caf\ufffd \ufffd"
    assert response.headers["x-a"] == "1, 2"


# TLS -------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def self_signed(tmp_path_factory):
    """A server's TLS settings with a certificate for 127.0.0.1 that nobody vouches for."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    builder = x509.CertificateBuilder(
        name, name, key.public_key(), x509.random_serial_number(), now - timedelta(days=1), now + timedelta(days=1)
    )
    certificate = builder.sign(key, hashes.SHA256())
    path = tmp_path_factory.mktemp("tls") / "pair.pem"
    plain = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(key.private_bytes(*plain) + certificate.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


def test_a_certificate_nobody_vouches_for_is_refused_before_anything_is_sent(self_signed):
    refused = fails(http.NotSent, "TLS certificate not valid")
    with there_are.receiver(there_are.answer(), tls=self_signed) as there, refused:
        fetch(there.url, body=b"secret")

    assert there.requests == []


def test_plain_http_where_tls_is_due():
    with there_are.receiver(there_are.not_http) as there, pytest.raises(http.OutboundError):
        fetch(there.url.replace("http://", "https://"))


def test_a_tls_handshake_that_never_goes_on_ends_in_time():
    with there_are.receiver(there_are.silent) as there:
        started = time.monotonic()
        with fails(http.NoAnswer, "no answer within 0.7 s"):
            fetch(there.url.replace("http://", "https://"))

    assert time.monotonic() - started < TIMEOUT + 1


# Addresses, at sending -------------------------------------------------------------------------------------------


def test_loopback_gets_no_connection_unless_allowed():
    with there_are.receiver(there_are.answer()) as there:
        port = there.url.split(":")[2]
        for host in ("127.0.0.1", "localhost", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0.0.0.0", "[::1]",
                     "[::ffff:127.0.0.1]", "[::127.0.0.1]", "user@127.0.0.1", "127.0.0.1."):
            with pytest.raises(http.UrlRefused):
                fetch(f"http://{host}:{port}", allow_loopback=False)

    assert there.connections == 0


@pytest.mark.parametrize("found", [["127.0.0.1"], ["1.1.1.1", "127.0.0.1"], ["::1"], ["::ffff:127.0.0.1"],
                                   ["169.254.169.254"], ["64:ff9b::7f00:1"]])
def test_a_name_with_any_address_that_is_not_public_gets_no_connection(monkeypatch, found):
    monkeypatch.setattr(http_addresses, "resolve", lambda host, port: found)
    with there_are.receiver(there_are.answer()) as there, fails(http.UrlRefused, "address is not public"):
        fetch(there.url.replace("127.0.0.1", "shop.example"), allow_loopback=False)

    assert there.connections == 0


def test_rebinding_a_name_that_turns_to_loopback_gets_no_connection(monkeypatch):
    answers = [["1.1.1.1"], ["127.0.0.1"]]
    monkeypatch.setattr(http_addresses, "resolve", lambda host, port: answers.pop(0))
    with there_are.receiver(there_are.answer()) as there:
        url = there.url.replace("127.0.0.1", "shop.example")
        http.check_destination(url, allow_loopback=False)  # at saving it looked well

        with fails(http.UrlRefused, "address is not public"):
            fetch(url, allow_loopback=False)

    assert (there.connections, answers) == (0, [])


def test_the_connection_goes_to_the_address_that_was_checked_and_the_name_is_asked_once(monkeypatch):
    asked = []
    monkeypatch.setattr(http_addresses, "resolve", lambda host, port: asked.append(host) or ["127.0.0.1"])
    with there_are.receiver(there_are.answer()) as there:
        response = fetch(there.url.replace("127.0.0.1", "shop.example"))

    assert (response.status, asked) == (200, ["shop.example"])
    assert there.requests[0].headers["host"].startswith("shop.example:")


def test_an_unknown_name_is_told_so(monkeypatch):
    def unknown(host, port):
        raise OSError("unknown")

    monkeypatch.setattr(http_addresses, "resolve", unknown)

    with fails(http.NotSent, "host name not found"):
        fetch("http://shop.example/")


def test_a_name_server_that_never_answers_ends_in_time_and_holds_up_nobody(monkeypatch):
    release = threading.Event()
    monkeypatch.setattr(http_addresses, "resolve", lambda host, port: release.wait(5) and [])
    started = time.monotonic()

    with fails(http.NoAnswer, "no answer within 0.7 s"):
        fetch("http://shop.example/")

    assert time.monotonic() - started < TIMEOUT + 1
    release.set()


def test_no_proxy_and_no_password_come_from_the_environment(monkeypatch, tmp_path):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    with there_are.receiver(there_are.answer()) as proxy, there_are.receiver(there_are.answer()) as there:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        response = fetch(there.url)

    assert (response.status, proxy.connections) == (200, 0)
    assert "authorization" not in there.requests[0].headers


# A shared session ------------------------------------------------------------------------------------------------


def test_a_session_keeps_connections_and_no_cookies():
    async def thrice(url):
        async with http.Session(allow_loopback=True) as session:
            return [await http.send(http.OutboundRequest(url), session=session) for _ in range(3)]

    with there_are.receiver(there_are.answer(200, b"ok", {"Set-Cookie": "a=b; Path=/"})) as there:
        responses = asyncio.run(thrice(there.url))

    assert [response.status for response in responses] == [200, 200, 200]
    assert (there.connections, len(there.requests)) == (1, 3)
    assert all("cookie" not in request.headers for request in there.requests)


def test_a_kept_connection_that_died_is_replaced_once():
    async def twice(url):
        async with http.Session(allow_loopback=True) as session:
            first = await http.send(http.OutboundRequest(url, body=b"1"), session=session)
            return first, await http.send(http.OutboundRequest(url, body=b"2"), session=session)

    rude = there_are.in_turn(there_are.answer(), there_are.close_at_once, there_are.answer(202))
    with there_are.receiver(rude) as there:
        first, second = asyncio.run(twice(there.url))

    assert (first.status, second.status) == (200, 202)
    assert [request.body for request in there.requests] == [b"1", b"2", b"2"]


def test_without_a_session_nothing_is_ever_sent_twice():
    closed = fails(http.NoAnswer, "connection closed without an answer")
    with there_are.receiver(there_are.close_at_once) as there, closed:
        fetch(there.url, body=b"money")

    assert len(there.requests) == 1


def test_one_bad_receiver_does_not_slow_the_others():
    """Fifty good ones are answered, one after the other, before any of the hanging ones has reached its deadline."""

    async def everyone(hanging, noisy, good):
        async with http.Session(allow_loopback=True) as session:
            hung, noise = (
                [asyncio.create_task(http.send(http.OutboundRequest(url, timeout=60), session=session)) for url in urls]
                for urls in (hanging, noisy)
            )
            await asyncio.sleep(0.05)
            answers = [await http.send(http.OutboundRequest(good), session=session) for _ in range(50)]
            still_hang = [not task.done() for task in hung]
            for task in hung:
                task.cancel()
            return answers, still_hang, await asyncio.gather(*noise, return_exceptions=True)

    with there_are.receiver(there_are.answer()) as good, contextlib.ExitStack() as stack:
        def four_of_each(*kinds):
            return [stack.enter_context(there_are.receiver(kind)).url for kind in kinds for _ in range(4)]

        hanging = four_of_each(there_are.silent, there_are.drip_header, there_are.drip_body)
        noisy = four_of_each(there_are.interim_flood, there_are.endless_chunks)
        answers, still_hang, ended = asyncio.run(everyone(hanging, noisy, good.url))

    assert [answer.status for answer in answers] == [200] * 50
    assert still_hang == [True] * 12
    assert [isinstance(one, (http.OutboundError, http.OutboundResponse)) for one in ended] == [True] * 8

"""What a mail server says of one message, and what makes it away for all."""

import smtplib

import pytest

from gateway.lib import mail
from gateway.lib.mail import Answer, send, send_each

ONE, TWO = "one@example.com", "two@example.com"


def refused(code, text, address=ONE):
    return smtplib.SMTPRecipientsRefused({address: (code, text)})


@pytest.fixture
def server(monkeypatch):
    """`server[address] = error` is what it says to one address; whoever is taken stands in `server["taken"]`."""
    says = {"taken": []}

    def send_mail(subject, text, sender, to):
        if to[0] in says:
            raise says[to[0]]
        says["taken"] += to

    monkeypatch.setattr(mail, "send_mail", send_mail)
    return says


@pytest.mark.parametrize(
    ("error", "answer"),
    [
        (refused(550, b"5.1.1 no such user"), Answer.REFUSED), (refused(551, b"not local"), Answer.REFUSED),
        (refused(553, b"5.1.3 bad address"), Answer.REFUSED), (refused(550, b"5.7.1 relaying denied"), Answer.LATER),
        (refused(450, b"4.2.1 greylisted"), Answer.LATER), (refused(552, b"5.2.2 mailbox full"), Answer.LATER),
        (smtplib.SMTPDataError(554, b"spam"), Answer.LATER), (smtplib.SMTPNotSupportedError("utf8"), Answer.LATER),
        (ValueError("no address"), Answer.LATER),
    ],
)
def test_what_concerns_one_message_is_an_answer(server, error, answer):
    server[ONE] = error

    assert send("S", "T", ONE, about="usr_1") is answer
    assert send("S", "T", TWO, about="usr_2") is Answer.TAKEN


@pytest.mark.parametrize(
    "error",
    [
        smtplib.SMTPServerDisconnected("gone"), smtplib.SMTPConnectError(421, b"busy"),
        smtplib.SMTPHeloError(501, b"who"), smtplib.SMTPAuthenticationError(535, b"no"),
        smtplib.SMTPSenderRefused(550, b"no", "us@example.com"), ConnectionRefusedError(), TimeoutError(),
    ],
)
def test_a_server_that_is_away_is_raised(server, error):
    server[ONE] = error

    with pytest.raises(type(error)):
        send("S", "T", ONE, about="usr_1")
    with pytest.raises(type(error)):
        send_each("S", "T", [ONE, TWO], about="usr_1")
    assert server["taken"] == []


@pytest.mark.parametrize(
    ("one", "two", "done"),
    [
        (None, None, True), (None, refused(450, b"later", TWO), True), (refused(450, b"later"), None, True),
        (refused(550, b"no such user"), None, True), (refused(550, b"no"), refused(550, b"no", TWO), True),
        (refused(550, b"no"), refused(450, b"later", TWO), False), (None, TimeoutError(), True),
    ],
)
def test_of_several_it_is_done_when_one_was_told_or_nobody_can_be(server, one, two, done):
    server.update({address: error for address, error in ((ONE, one), (TWO, two)) if error})

    assert send_each("S", "T", [ONE, TWO], about="usr_1") is done


def test_nobody_to_tell_is_done(server):
    assert send_each("S", "T", [], about="usr_1")

"""One address that the mail server refuses keeps nobody else's link back."""

import smtplib

import pytest

from accounts import invitations
from accounts.models import User
from gateway.lib import mail

pytestmark = pytest.mark.django_db


@pytest.fixture
def refuse(monkeypatch):
    """`refuse(error)`: the server refuses addresses at refused.example so; returns whom it sent to."""

    def refuse(error):
        sent = []

        def relay(subject, text, sender, to):
            if to[0].endswith("@refused.example"):
                raise error(to[0])
            sent.extend(to)

        monkeypatch.setattr(mail, "send_mail", relay)
        return sent

    return refuse


def no_such_user(address):
    return smtplib.SMTPRecipientsRefused({address: (550, b"5.1.1 no such user")})


def greylisted(address):
    return smtplib.SMTPRecipientsRefused({address: (450, b"4.2.0 try again")})


def away(address):
    return smtplib.SMTPServerDisconnected("gone")


def invited(*emails):
    for email in emails:
        User.objects.create(email=email, name="X", role="super_admin", invitation_due=True)


def due():
    return set(User.objects.filter(invitation_due=True).values_list("email", flat=True))


def test_a_mailbox_that_does_not_exist_is_given_up_and_the_others_are_told(refuse):
    invited("typo@refused.example", "new@example.com")
    sent = refuse(no_such_user)

    assert invitations.send_due() == 2

    assert sent == ["new@example.com"]
    assert due() == set()


def test_who_is_put_off_stays_due_and_holds_nobody_up(refuse):
    invited("slow@refused.example", "new@example.com")
    sent = refuse(greylisted)

    assert invitations.send_due() + invitations.send_due() == 1

    assert sent == ["new@example.com"]
    assert due() == {"slow@refused.example"}


def test_many_who_are_put_off_do_not_starve_those_behind_them(refuse):
    invited(*[f"slow{number}@refused.example" for number in range(5)], "new@example.com")
    sent = refuse(greylisted)

    for _ in range(200):
        invitations.send_due(limit=2)

    assert sent == ["new@example.com"]


def test_a_server_that_is_away_is_tried_again_by_the_next_sweep(refuse):
    invited("one@refused.example", "two@refused.example")
    refuse(away)

    assert invitations.send_due() == 0

    assert due() == {"one@refused.example", "two@refused.example"}

"""What one super admin must not do unseen, and a second person who is none."""

from __future__ import annotations

import smtplib
from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone

from accounts.actors import Actor
from accounts.models import AuditRecord, Notice, Role, User
from accounts.notices import send_due, tell_super_admins
from accounts.operators import OwnRecord, check_second_person
from accounts.services import create_user, suspend_user, update_user
from accounts.tasks import invite

pytestmark = pytest.mark.django_db
PASSWORD = "a long enough passphrase"


def make(by, name, role=Role.SUPER_ADMIN):
    actor = Actor(by, "panel") if by else Actor.system("manage.py create_super_admin")
    user, _ = create_user(actor=actor, email=f"{name}@example.com", name=name, role=role, password=PASSWORD)
    return user


@pytest.fixture
def chief(cast):
    """The one who acts; `cast.super_admin` and `third` are there for long."""
    chief, _ = make(None, "chief"), make(None, "third")
    Notice.objects.all().delete()
    return chief


def told():
    return sorted((message.to[0], message.subject) for message in mail.outbox)


def test_the_others_are_told_of_a_new_super_admin(cast, chief):
    puppet = make(chief, "puppet")
    assert Notice.objects.count() == 1

    invite()

    new = "There is a new super admin"
    assert told() == [("root@example.com", new), ("third@example.com", new)]
    assert "chief (chief@example.com) did this" in mail.outbox[0].body
    assert f"puppet ({puppet.email}) was made a super admin." in mail.outbox[0].body
    assert (Notice.objects.count(), invite(), len(mail.outbox)) == (0, 0, 2)


def test_and_of_one_who_becomes_it_but_not_of_anybody_else(cast, chief):
    admin = make(chief, "promoted", Role.ADMIN)
    update_user(actor=Actor(chief, "panel"), user=admin, name="Renamed")
    assert not Notice.objects.exists()

    update_user(actor=Actor(chief, "panel"), user=admin, role=Role.SUPER_ADMIN)

    assert send_due() == 1
    assert [to for to, _ in told()] == ["root@example.com", "third@example.com"]


def test_nobody_is_told_who_cannot_act_and_where_nobody_is_left_it_ends(cast, chief):
    for user in (cast.super_admin, User.objects.get(email="third@example.com")):
        suspend_user(actor=Actor(chief, "panel"), user=user)
    tell_super_admins(Actor(chief, "panel"), "hwd_1", "A house withdrawal was proposed", "5 USDT")
    assert (send_due(), mail.outbox, Notice.objects.count()) == (1, [], 0)


def test_a_mail_server_that_is_away_is_tried_again(cast, chief, monkeypatch):
    make(chief, "puppet")
    with monkeypatch.context() as away:
        away.setattr("gateway.lib.mail.send_mail", lambda *_: (_ for _ in ()).throw(smtplib.SMTPServerDisconnected()))
        assert (send_due(), Notice.objects.count()) == (0, 1)
    assert (send_due(), len(mail.outbox)) == (1, 2)


def test_the_second_person_is_nobody_whom_the_first_just_made(cast, chief):
    puppet = make(chief, "puppet")
    puppets = make(puppet, "puppets")
    promoted = make(None, "promoted", Role.SUPER_ADMIN)
    AuditRecord.objects.create(
        actor=chief, actor_label="panel", action="user.updated", target=promoted.public_id,
        data={"changed": {"role": ["admin", "super_admin"]}},
    )

    for user, why in ((chief, "proposed it does not confirm"), (puppet, "last day"), (puppets, "last day"),
                      (promoted, "last day")):
        with pytest.raises(OwnRecord, match=why):
            check_second_person(chief, user)
    check_second_person(cast.super_admin, puppet)  # whom another made
    check_second_person(puppet, chief)
    check_second_person(chief, cast.super_admin)


def test_after_a_day_the_others_have_had_their_time(cast, chief, monkeypatch):
    puppet = make(chief, "puppet")
    later = timezone.now() + timedelta(days=1, minutes=1)
    monkeypatch.setattr("accounts.operators.timezone.now", lambda: later)
    check_second_person(chief, puppet)


def test_a_change_of_name_makes_nobody(cast, chief):
    third = User.objects.get(email="third@example.com")
    update_user(actor=Actor(chief, "panel"), user=third, name="Third One")
    check_second_person(chief, third)

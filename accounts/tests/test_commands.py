"""The commands an operator runs: first user, key rotation, re-encryption."""

import json
from io import StringIO

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction

from accounts.actors import Actor
from accounts.credentials import find_portal_key, issue_credential
from accounts.models import AuditRecord, Credential, PortalKey, User
from gateway.lib import secrets


def run(*arguments):
    out = StringIO()
    call_command(*arguments, stdout=out, stderr=StringIO())
    return out.getvalue()


def test_create_super_admin_prints_its_keys_once(db):
    printed = run("create_super_admin", "boss@example.com", "--password", "correct-horse-battery")

    user = User.objects.get()
    assert (user.role, user.parent, user.check_password("correct-horse-battery")) == ("super_admin", None, True)
    keys = [line.split(": ")[1] for line in printed.splitlines()[1:]]
    assert [find_portal_key(key).mode for key in keys] == ["live", "test"]


def test_create_super_admin_refuses_a_second_with_the_same_address(cast):
    with pytest.raises(CommandError, match="already exists"):
        run("create_super_admin", "root@example.com", "--password", "correct-horse-battery")

    assert User.objects.count() == 6


def test_create_super_admin_says_what_to_do_where_nobody_can_type_a_password(db, monkeypatch):
    def nobody(_):
        raise EOFError

    monkeypatch.setattr("getpass.getpass", nobody)

    with pytest.raises(CommandError, match="use --invite, or run it in a terminal"):
        run("create_super_admin", "boss@example.com")
    assert not User.objects.exists()


def test_rotating_one_users_keys_leaves_the_others(cast):
    printed = run("rotate_api_keys", "--user", "merchant@example.com")

    lines = [json.loads(line) for line in printed.splitlines()]
    assert [(line["user"], line["mode"]) for line in lines] == [
        (cast.merchant_user.public_id, "test"), (cast.merchant_user.public_id, "live"),
    ]
    assert all(find_portal_key(line["key"]).user == cast.merchant_user for line in lines)
    assert find_portal_key(cast.keys[cast.merchant_user.public_id, "test"]) is None
    assert find_portal_key(cast.keys[cast.api_user.public_id, "test"]) is not None


def test_rotating_a_merchant_and_all(cast):
    merchant = run("rotate_api_keys", "--merchant", cast.merchant.public_id, "--mode", "live")
    everyone = run("rotate_api_keys", "--all")

    assert len(merchant.splitlines()) == 2
    assert len(everyone.splitlines()) == 12
    assert all(find_portal_key(key) is None for key in cast.keys.values())


def test_new_keys_can_go_to_a_private_file(cast, tmp_path):
    path = tmp_path / "keys.jsonl"

    printed = run("rotate_api_keys", "--all", "--output", str(path))

    assert printed == ""
    assert path.stat().st_mode & 0o777 == 0o600
    assert len(path.read_text().splitlines()) == 12


def test_a_file_that_exists_or_an_unknown_user_changes_no_key(cast, tmp_path):
    (tmp_path / "keys").write_text("precious")

    for arguments in (["--all", "--output", str(tmp_path / "keys")], ["--user", "nobody"], ["--merchant", "mrc_x"]):
        with pytest.raises(CommandError):
            run("rotate_api_keys", *arguments)

    assert (tmp_path / "keys").read_text() == "precious"
    assert all(find_portal_key(key) for key in cast.keys.values())
    assert not AuditRecord.objects.filter(action="portal_key.regenerated").exists()


@pytest.mark.parametrize("option", ["--user", "--merchant"])
def test_a_name_that_is_empty_is_nobody_and_not_everybody(cast, option):
    """What a shell makes of a variable that is not set."""
    with pytest.raises(CommandError, match="No such user or merchant"):
        run("rotate_api_keys", option, "")

    assert all(find_portal_key(key) for key in cast.keys.values())
    assert not AuditRecord.objects.filter(action="portal_key.regenerated").exists()


@pytest.mark.parametrize("to_file", [True, False])
def test_keys_that_cannot_be_written_down_are_not_made(cast, tmp_path, monkeypatch, to_file):
    """Else the old ones were dead, and nobody had the new ones."""
    path = tmp_path / "keys"

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    out = StringIO()
    out.flush = full
    with pytest.raises(CommandError, match="No key was changed"):
        call_command("rotate_api_keys", "--all", *(["--output", str(path)] if to_file else []), stdout=out)

    assert all(find_portal_key(key) for key in cast.keys.values())
    assert not AuditRecord.objects.filter(action="portal_key.regenerated").exists()
    assert not path.exists()


def test_encryption_keys_rotate_without_losing_a_secret(cast, settings):
    issued = issue_credential(actor=Actor(None, "t"), merchant=cast.merchant, contract="signed", mode="test")
    old = list(settings.GATEWAY_ENCRYPTION_KEYS)
    settings.GATEWAY_ENCRYPTION_KEYS = [Fernet.generate_key().decode(), *old]

    first = run("rotate_encryption_keys")
    second = run("rotate_encryption_keys")
    settings.GATEWAY_ENCRYPTION_KEYS = settings.GATEWAY_ENCRYPTION_KEYS[:1]

    assert (first.split()[0], second.split()[0]) == ("1", "0")
    assert secrets.decrypt(Credential.objects.get().secret_encrypted) == issued.secret


def test_a_secret_that_no_key_reads_is_told_and_left(cast, settings):
    issue_credential(actor=Actor(None, "t"), merchant=cast.merchant, contract="signed", mode="test")
    before = Credential.objects.get().secret_encrypted
    settings.GATEWAY_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]

    with pytest.raises(CommandError, match="1 cannot be read"):
        run("rotate_encryption_keys")

    assert Credential.objects.get().secret_encrypted == before


def test_verify_ledger_says_so_and_fails_when_the_books_are_off(cast, fund):
    from ledger.models import LedgerAccount

    fund(cast.merchant, 1_000)
    assert run("verify_ledger") == "The books balance: 1 postings, no problem found.\n"

    LedgerAccount.objects.filter(merchant=cast.merchant).update(balance=999)
    with pytest.raises(CommandError, match="stores 999, its entries sum to 1000"):
        run("verify_ledger")


@pytest.mark.parametrize("sql", ["UPDATE accounts_auditrecord SET action = 'x'", "DELETE FROM accounts_auditrecord"])
def test_the_audit_trail_only_grows(cast, sql):
    before = AuditRecord.objects.count()

    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)

    assert AuditRecord.objects.count() == before > 0
    assert PortalKey.objects.count() == 12


def test_a_lost_password_is_set_anew_through_a_link_that_works_once(cast, mailoutbox, client):
    run("send_password_link", "Merchant@example.com")

    (mail,) = mailoutbox
    link = next(line for line in mail.body.splitlines() if line.startswith("http"))
    assert mail.to == ["merchant@example.com"]
    path = "/" + link.split("/", 3)[3]
    page = client.get(path, follow=True)
    assert page.status_code == 200
    assert not User.objects.get(pk=cast.merchant_user.pk).invitation_due
    with pytest.raises(CommandError, match="No user"):
        run("send_password_link", "nobody@example.com")
    assert len(mailoutbox) == 1

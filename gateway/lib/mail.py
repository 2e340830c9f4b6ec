"""Mail to people: one message to one address each, and what the server said of it.

An address that the server refuses concerns nobody else's message; a server that is away concerns all of them.
"""

from __future__ import annotations

import smtplib
from collections.abc import Iterable
from enum import Enum

import structlog
from django.conf import settings
from django.core.mail import send_mail

log = structlog.get_logger(__name__)


class Answer(Enum):
    TAKEN = "taken"
    REFUSED = "refused"  # for good: there is no such mailbox
    LATER = "later"


# Of these the next message would hear the same. They are OSErrors, as is every error of smtplib.
_AWAY = (
    smtplib.SMTPServerDisconnected, smtplib.SMTPConnectError, smtplib.SMTPHeloError,
    smtplib.SMTPAuthenticationError, smtplib.SMTPSenderRefused,
)
_NO_SUCH_MAILBOX = (550, 551, 553)
_POLICY = b"5.7."  # the server will not carry our mail; its operator or ours can mend that


def send(subject: str, text: str, address: str, *, about: str) -> Answer:
    """Raises `OSError` only when the server itself is away. `about` is the public id that the log names."""
    try:
        send_mail(subject, text, settings.DEFAULT_FROM_EMAIL, [address])
    except _AWAY:
        raise
    except smtplib.SMTPRecipientsRefused as error:
        return _refusal(error, about)
    except (smtplib.SMTPException, ValueError) as error:  # ValueError: an address that cannot be written in a message
        log.warning("mail_put_off", about=about, error=type(error).__name__)
        return Answer.LATER
    return Answer.TAKEN


def _refusal(error: smtplib.SMTPRecipientsRefused, about: str) -> Answer:
    [(code, said)] = error.recipients.values()  # there was one address
    if code in _NO_SUCH_MAILBOX and _POLICY not in said:
        log.warning("mail_refused", about=about, code=code)
        return Answer.REFUSED
    log.warning("mail_put_off", about=about, code=code)
    return Answer.LATER


def send_each(subject: str, text: str, addresses: Iterable[str], *, about: str) -> bool:
    """Whether this is done: somebody was told, or nobody can be. Otherwise nobody has it, and all may get it again.

    Raises `OSError` when the server is away and nobody was told yet.
    """
    answers = set()
    for address in addresses:
        try:
            answers.add(send(subject, text, address, about=about))
        except OSError:
            if Answer.TAKEN not in answers:
                raise
            break
    return Answer.TAKEN in answers or Answer.LATER not in answers

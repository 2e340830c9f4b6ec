"""A call's form as it was filled in, while its reader proves who they are: in their own session, for minutes.

Encrypted: a body may hold a card's number or a password, and sessions are rows of a table.
"""

from __future__ import annotations

import json
import time

from django.urls import reverse
from django.views.decorators.debug import sensitive_variables

from gateway.lib import secrets
from gateway.lib.modes import Mode
from gateway.panel.access import PanelRequest
from gateway.panel.reference.forms import CallForm
from gateway.panel.reference.operations import operations
from gateway.panel.reference.words import CONTRACTS

_NAME, _KEPT_SECONDS, _LONGEST = "reference_form", 600, 20_000


@sensitive_variables("values")
def keep(request: PanelRequest, contract: str, name: str) -> str:
    """Puts the form away, and says where it is filled in again; empty for a call that there is not."""
    operation = operations(contract).get(name) if contract in CONTRACTS else None
    if operation is None:
        return ""
    values = {field: request.POST[field] for field in CallForm(contract, operation, request.viewer).fields
              if len(request.POST.get(field, "")) in range(1, _LONGEST + 1)}
    if values and request.viewer.mode == Mode.TEST:
        request.session[_NAME] = [contract, name, int(time.time()), secrets.encrypt(json.dumps(values))]
    return reverse("panel:reference-call", args=[contract, name])


def take(request: PanelRequest, contract: str, name: str) -> dict[str, str] | None:
    """What was put away for this call; once, and not for long."""
    kept = request.session.get(_NAME)
    if kept is None or kept[:2] != [contract, name]:
        return None
    del request.session[_NAME]
    if time.time() - kept[2] > _KEPT_SECONDS:
        return None
    values: dict[str, str] = json.loads(secrets.decrypt(kept[3]))
    return values

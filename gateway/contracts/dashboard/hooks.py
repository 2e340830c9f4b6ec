"""The one webhook endpoint that this contract configures: its merchant's oldest of this contract in this mode."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from accounts.models import Merchant
from gateway.contracts.dashboard.answers.webhooks import STANDARD_RETRIES
from gateway.contracts.dashboard.authentication import DashboardCaller
from gateway.contracts.dashboard.errors import InvalidParameter
from gateway.contracts.problems import MissingFields
from gateway.lib.errors import NotFound
from webhooks.errors import UnknownEvents, UrlNotAllowed
from webhooks.models import Endpoint
from webhooks.queries import endpoints, event_names
from webhooks.services import create_endpoint, update_endpoint

CONTRACT = Endpoint.Contract.DASHBOARD


def configured(me: DashboardCaller) -> Endpoint | None:
    return endpoints(me.viewer).filter(contract=CONTRACT).order_by("created_at", "id").first()


def must_be_configured(me: DashboardCaller) -> Endpoint:
    endpoint = configured(me)
    if endpoint is None:
        raise NotFound("No webhook is configured yet: PUT its webhook_url first.")
    return endpoint


def configure(me: DashboardCaller, sent: dict[str, Any]) -> Endpoint:
    """Makes the endpoint, or changes what was sent of it. Two first calls at once make one endpoint."""
    try:
        with transaction.atomic():
            Merchant.objects.select_for_update(no_key=True).get(pk=me.merchant.pk)
            known = configured(me)
            return _change(me, known, sent) if known else _make(me, sent)
    except UrlNotAllowed as error:
        raise InvalidParameter("webhook_url", error.details["fields"]["url"]) from error
    except UnknownEvents as error:
        raise InvalidParameter("events", error.details["fields"]["events"], event_names(CONTRACT)) from error


def _make(me: DashboardCaller, sent: dict[str, Any]) -> Endpoint:
    if "webhook_url" not in sent:
        raise MissingFields(["webhook_url"])
    endpoint, _ = create_endpoint(
        actor=me.actor, merchant=me.merchant, mode=me.mode, url=sent["webhook_url"], contract=CONTRACT,
        events=sent.get("events", ()), enabled=sent.get("enabled", True),
        retry_config=sent.get("retry_config", STANDARD_RETRIES),
    )
    return endpoint


def _change(me: DashboardCaller, endpoint: Endpoint, sent: dict[str, Any]) -> Endpoint:
    return update_endpoint(
        actor=me.actor, endpoint=endpoint, url=sent.get("webhook_url"), events=sent.get("events"),
        enabled=sent.get("enabled"), retry_config=sent.get("retry_config"),
    )

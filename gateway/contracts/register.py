"""Registers each contract's webhook payloads with `webhooks`, which knows no contract."""

from __future__ import annotations


def renderers() -> None:
    """Called once, when every app's models are loaded."""
    from gateway.contracts.checkout import events as checkout
    from gateway.contracts.dashboard import events as dashboard
    from gateway.contracts.portal import events as portal
    from gateway.contracts.signed import events as signed
    from webhooks.rendering import register_renderer

    register_renderer("portal", portal.render, list(portal.NAMES.values()), sample=portal.sample)
    register_renderer(
        "checkout", checkout.render, list(checkout.NAMES.values()), envelope=checkout.envelope, sample=checkout.sample
    )
    register_renderer("signed", signed.render, list(signed.NAMES.values()), sample=signed.sample)
    register_renderer(
        "dashboard", dashboard.render, list(dashboard.NAMES.values()), sample=dashboard.sample,
        on_request=dashboard.ON_REQUEST,
    )

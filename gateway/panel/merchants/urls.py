"""The merchants' addresses."""

from django.urls import path

from gateway.panel.merchants import fees, onboarding, records

urlpatterns = [
    path("merchants", records.merchants, name="merchants"),
    path("merchants/new", onboarding.new, name="merchant-new"),
    path("merchants/default-fees", fees.default_fees, name="default-fees"),
    path("merchants/default-fees/<str:product>", fees.default_fee, name="default-fee"),
    path("merchants/<str:public_id>", records.merchant, name="merchant"),
    path("merchants/<str:public_id>/settings", records.settings, name="merchant-settings"),
    path("merchants/<str:public_id>/suspend", records.suspend, name="merchant-suspend"),
    path("merchants/<str:public_id>/activate", records.activate, name="merchant-activate"),
    path("merchants/<str:public_id>/account", onboarding.account, name="merchant-account"),
    path("merchants/<str:public_id>/fees/<str:product>", fees.fee, name="merchant-fee"),
]

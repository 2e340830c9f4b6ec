"""Every address of the signed contract."""

from django.urls import path

from gateway.contracts.signed.base import SignedUnknownAddress
from gateway.contracts.signed.views.balance import BalanceView
from gateway.contracts.signed.views.payin import PayinLinkView, PayinTransactionsView
from gateway.contracts.signed.views.payout import PayoutInitiateView, PayoutStatusView

unknown_address = SignedUnknownAddress.as_view()

urlpatterns = [
    path("balance", BalanceView.as_view()),
    path("payin/generate/link", PayinLinkView.as_view()),
    path("payin/transactions", PayinTransactionsView.as_view()),
    path("payout/initiate", PayoutInitiateView.as_view()),
    path("payout/<str:order_id>/status", PayoutStatusView.as_view()),
]

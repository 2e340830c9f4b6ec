"""Every address of the dashboard contract."""

from django.urls import path

from gateway.contracts.dashboard.base import DashboardUnknownAddress
from gateway.contracts.dashboard.views import addresses, analytics, exports, money, sessions, webhooks

unknown_address = DashboardUnknownAddress.as_view()

urlpatterns = [
    path("checkout/sessions", sessions.CheckoutSessionsView.as_view()),
    path("checkout/sessions/<str:session_id>", sessions.CheckoutSessionView.as_view()),
    path("dashboard/overview", analytics.OverviewView.as_view()),
    path("dashboard/sessions", sessions.SessionsView.as_view()),
    path("dashboard/sessions/<str:session_id>", sessions.SessionView.as_view()),
    path("dashboard/addresses", addresses.AddressesView.as_view()),
    path("dashboard/addresses/<str:address_id>", addresses.AddressView.as_view()),
    path("dashboard/addresses/<str:address_id>/check-balance", addresses.CheckBalanceView.as_view()),
    path("dashboard/balance/crypto", money.CryptoBalanceView.as_view()),
    path("dashboard/balance/networks", money.NetworksBalanceView.as_view()),
    path("dashboard/transactions", money.TransactionsView.as_view()),
    path("dashboard/transactions/<str:tx_hash>", money.TransactionView.as_view()),
    path("dashboard/withdrawals", money.WithdrawalsView.as_view()),
    path("dashboard/withdrawals/create", money.NewWithdrawalView.as_view()),
    path("dashboard/withdrawals/<str:withdrawal_id>", money.WithdrawalView.as_view()),
    path("dashboard/analytics/payments", analytics.AnalyticsView.as_view()),
    path("dashboard/analytics/export", exports.NewExportView.as_view()),
    path("dashboard/analytics/export/<str:export_id>", exports.ExportView.as_view()),
    path("dashboard/exports/<str:file_name>", exports.DownloadView.as_view()),
    path("dashboard/webhooks/config", webhooks.ConfigView.as_view()),
    path("dashboard/webhooks/test", webhooks.TestView.as_view()),
]

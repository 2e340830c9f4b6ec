"""The ledger's addresses."""

from django.urls import path

from gateway.panel.ledger import accounts, postings, statements, trial

urlpatterns = [
    path("ledger", postings.ledger, name="ledger"),
    path("ledger/postings/<int:pk>", postings.posting, name="posting"),
    path("ledger/accounts", accounts.accounts, name="ledger-accounts"),
    path("ledger/accounts/<int:pk>", accounts.account, name="ledger-account"),
    path("ledger/trial-balance", trial.trial_balance, name="trial-balance"),
    path("ledger/trial-balance.xlsx", trial.as_xlsx, name="trial-balance-xlsx"),
    path("ledger/statement", statements.statement_page, name="account-statement"),
    path("ledger/statement.pdf", statements.as_pdf, name="account-statement-pdf"),
    path("ledger/statement.xlsx", statements.as_xlsx, name="account-statement-xlsx"),
]

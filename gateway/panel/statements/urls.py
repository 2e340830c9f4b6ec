"""The addresses of bank statements and of the accounts they are about."""

from django.urls import path

from gateway.panel import receiving
from gateway.panel.statements import files, lines, lists, matches

urlpatterns = [
    path("receiving", receiving.receiving, name="receiving"),
    path("receiving/new", receiving.new, name="receiving-new"),
    path("receiving/<str:public_id>/edit", receiving.edit, name="receiving-edit"),
    path("receiving/<str:public_id>/switch", receiving.switch, name="receiving-switch"),
    path("statements", lists.statements, name="statements"),
    path("statements/new", files.upload, name="statement-new"),
    path("statements/credits", lines.lines, name="statement-lines"),
    path("statements/credits/<str:public_id>", lines.line, name="statement-line"),
    path("statements/credits/<str:public_id>/assign", lines.assign, name="statement-line-assign"),
    path("statements/credits/<str:public_id>/return", lines.give_back, name="statement-line-return"),
    path("statements/credits/<str:public_id>/ignore", lines.ignore, name="statement-line-ignore"),
    path("statements/credits/<str:public_id>/reopen", lines.reopen, name="statement-line-reopen"),
    path("statements/<str:public_id>", files.statement, name="statement"),
    path("statements/<str:public_id>/import", files.start, name="statement-import"),
    path("statements/<str:public_id>/discard", files.discard, name="statement-discard"),
    path("matches/<str:public_id>/confirm", matches.confirm_proposal, name="match-confirm"),
    path("matches/<str:public_id>/withdraw", matches.withdraw, name="match-withdraw"),
    path("refunds/<str:public_id>/resolve", matches.resolve_refund, name="refund-resolve"),
]

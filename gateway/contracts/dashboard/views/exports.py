"""`/dashboard/analytics/export`, an export's state, and the file behind a signed link."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import FileResponse, HttpResponse
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actors import Actor, get_or_404
from crypto.exports.links import export_of_link, visible_exports
from crypto.exports.services import create_export, open_file
from crypto.models import Export
from gateway.contracts.base import Caller, ContractView, Handler
from gateway.contracts.dashboard import docs
from gateway.contracts.dashboard.answers import exports as answers
from gateway.contracts.dashboard.authentication import KeyAuthentication
from gateway.contracts.dashboard.base import DashboardView
from gateway.contracts.dashboard.errors import envelope
from gateway.contracts.dashboard.exporting import wanted_export
from gateway.contracts.limits import Limit
from gateway.lib.errors import NotFound

_GONE = "This link is not valid, or its file is gone: exports are kept for 24 hours."
_CHUNK = 256 * 1024


class NewExportView(DashboardView):
    limit_group = "exports"

    @docs.call(
        "create_export", "Export records", "Exports", answers.ExportBody, parameters=docs.EXPORT_PARAMETERS,
    )
    def get(self, request: Request) -> Response:
        """Fewer than 1,000 records are ready in the answer; more are made in the background: ask for the export's
        state. The link works for 24 hours, without a key.
        """
        wanted = wanted_export(self.query)
        export = create_export(actor=self.me.actor, merchant=self.me.merchant, mode=self.me.mode, **wanted)
        return self.one(answers.export(export))


class ExportView(DashboardView):
    @docs.call("get_export", "Get an export's state", "Exports", answers.ExportBody, refusals=(404,))
    def get(self, request: Request, export_id: str) -> Response:
        return self.one(answers.export(get_or_404(visible_exports(self.viewer), public_id=export_id)))


class LinkAuthentication(BaseAuthentication):
    """Lets in whoever has a link; a key that comes along must be a good one, and of the file's merchant and mode."""

    def authenticate(self, request: Request) -> tuple[None, Caller]:
        view: Any = (request.parser_context or {})["view"]
        export = export_of_link(view.kwargs["file_name"], request._request.GET.get("token", ""))
        if export is None or not self._may(request, export):
            raise NotFound(_GONE)
        view.export = export
        requests, seconds = settings.DASHBOARD_RATE_LIMITS["standard"]
        return None, Caller(
            actor=Actor.system("export link"), mode=export.mode, owner=export.merchant.public_id,
            limit=Limit(f"dashboard:link:{export.public_id}", requests, seconds),
        )

    def _may(self, request: Request, export: Export) -> bool:
        if not request.headers.get("X-API-Key") and not request.headers.get("Authorization"):
            return True
        _, caller = KeyAuthentication().authenticate(request)
        return (caller.merchant.pk, caller.mode) == (export.merchant_id, export.mode)


class DownloadView(ContractView):
    envelope = staticmethod(envelope)
    authentication_classes = [LinkAuthentication]
    export: Export

    @docs.download("download_export", "Download an export", "Exports")
    def get(self, request: Request, file_name: str) -> Response:
        """The file itself, for whoever has its link: `download_url` of the export."""
        raise AssertionError("files are not answered as JSON")

    def _once(self, handler: Handler) -> HttpResponse:
        """The file in pieces, instead of an answer."""
        file = open_file(self.export)
        if file is None:
            raise NotFound(_GONE)
        response = FileResponse(
            file, as_attachment=True, filename=self.export.file_name, content_type=self.export.media_type
        )
        response.block_size = _CHUNK
        response["X-Content-Type-Options"] = "nosniff"
        return response  # type: ignore[return-value]

"""Files made for one reader: never kept by anybody on the way, never taken for anything but what they are."""

from __future__ import annotations

from io import BytesIO

from django.http import HttpResponse

PDF = "application/pdf"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def download(content: BytesIO, name: str, kind: str) -> HttpResponse:
    response = HttpResponse(content.getvalue(), content_type=kind)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Cache-Control"] = "no-store, private"
    return response

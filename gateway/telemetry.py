"""Traces (OpenTelemetry) and errors (Sentry), each only where its setting names a receiver; else nothing is imported.

Started once in each web and worker process. No body, header, cookie, parameter of a statement or local variable leaves
the gateway; what remains of an error's text passes the same scrubbing as the logs.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

from gateway.lib import logs

_started = False


def problems(sentry_dsn: str, otlp_endpoint: str) -> list[str]:
    """What is asked for and not installed, for the list of settings to mend."""
    wanted = {"SENTRY_DSN": (sentry_dsn, "sentry_sdk"), "OTEL_EXPORTER_OTLP_ENDPOINT": (otlp_endpoint, "opentelemetry")}
    return [
        f"{name} is set, and its packages are not installed: pip install -r requirements-observability.txt."
        for name, (value, package) in wanted.items() if value and find_spec(package) is None
    ]


def start(process: str) -> None:
    from django.conf import settings

    global _started
    if _started:
        return
    _started = True
    if settings.SENTRY_DSN:
        _start_sentry(settings.SENTRY_DSN, settings.GATEWAY_ENV, process)
    if settings.OTEL_EXPORTER_OTLP_ENDPOINT:
        _start_traces(settings.OTEL_EXPORTER_OTLP_ENDPOINT, settings.OTEL_SAMPLE_RATIO, process)


def _start_sentry(dsn: str, environment: str, process: str) -> None:
    import sentry_sdk

    sentry_sdk.init(
        dsn=dsn, environment=environment, server_name=process, send_default_pii=False, include_local_variables=False,
        max_request_body_size="never", traces_sample_rate=0.0, before_send=scrubbed, before_breadcrumb=scrubbed,
    )


def scrubbed(event: Any, _: Any) -> Any:
    """An event as it may leave: no header or cookie, every credential and card number in its text hidden."""
    request = event.get("request") or {}
    event["request"] = {name: request[name] for name in ("url", "method") if name in request}
    return logs.scrub(event)


def _start_traces(endpoint: str, ratio: float, process: str) -> None:
    from opentelemetry import trace
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.instrumentation.celery import CeleryInstrumentor
    from opentelemetry.instrumentation.django import DjangoInstrumentor
    from opentelemetry.instrumentation.psycopg import PsycopgInstrumentor
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

    provider = TracerProvider(
        resource=Resource.create({"service.name": f"gateway-{process or 'web'}"}),
        sampler=ParentBased(TraceIdRatioBased(ratio)),
    )
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(f"{endpoint.rstrip('/')}/v1/traces")))
    trace.set_tracer_provider(provider)
    for instrument in (DjangoInstrumentor(), CeleryInstrumentor(), PsycopgInstrumentor()):
        instrument.instrument()

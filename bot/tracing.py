"""Traces of requests and steps, where `metrics.otlp_endpoint` says to send them; else nothing.

Spans carry ids, names and seconds, never what a person said.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from bot.sections import Metrics
from bot.settings import SettingsError

REMEDY = (
    "metrics.otlp_endpoint: needs OpenTelemetry, which is not installed. "
    "Run pip install 'silverline[otel]', or leave the setting empty."
)


class _Tracing:
    """Holds the tracer of this process once there is one."""

    tracer: Any = None


def set_up(settings: Metrics, service: str, exporter: Any = None) -> None:
    """Send spans of `service` to the endpoint of the settings, or to `exporter` at once.

    SettingsError where OpenTelemetry is asked for and not installed.
    """
    if not settings.otlp_endpoint and exporter is None:
        return
    try:
        trace = importlib.import_module("opentelemetry.sdk.trace")
        export = importlib.import_module("opentelemetry.sdk.trace.export")
        resources = importlib.import_module("opentelemetry.sdk.resources")
        if exporter is None:
            otlp = importlib.import_module("opentelemetry.exporter.otlp.proto.http.trace_exporter")
            processor = export.BatchSpanProcessor(
                otlp.OTLPSpanExporter(endpoint=settings.otlp_endpoint)
            )
        else:
            processor = export.SimpleSpanProcessor(exporter)
    except ImportError as error:
        raise SettingsError(REMEDY) from error
    provider = trace.TracerProvider(resource=resources.Resource.create({"service.name": service}))
    provider.add_span_processor(processor)
    _Tracing.tracer = provider.get_tracer("silverline")


@contextmanager
def span(name: str, **attributes: str | int | float) -> Iterator[None]:
    """Trace what the block does, as `name`; does nothing where no traces are asked for."""
    if _Tracing.tracer is None:
        yield
        return
    with _Tracing.tracer.start_as_current_span(name, attributes=attributes):
        yield

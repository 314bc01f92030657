"""What monitoring reads, and who may; traces where they are asked for."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

from bot import metrics, tracing
from bot.app import create_app
from bot.conversation import schema
from bot.conversation.database import engine
from bot.conversation.parts import Parts
from bot.conversation.turn import advance
from bot.sections import Metrics
from bot.settings import SettingsError, load_settings
from tests.bot.conversation.pipeline import ask


def client_of(tmp_path: Path, **options: Any) -> Any:
    url = f"sqlite:///{tmp_path}/m.db"
    made = engine(url)
    schema.upgrade(made)
    made.dispose()
    settings = load_settings(
        database={"url": url},
        app={"data_dir": tmp_path, "secret_key": "key"},
        metrics={"enabled": True} | options,
    )
    return create_app(settings).test_client()


def families(text: str) -> dict[str, Any]:
    return {family.name: family for family in text_string_to_metric_families(text)}


def test_requests_and_what_waits_are_counted(tmp_path: Path) -> None:
    client = client_of(tmp_path)
    client.get("/healthz")
    found = families(client.get("/metrics").text)
    samples = found["silverline_http_requests"].samples
    assert any(s.labels.get("endpoint") == "health.healthz" and s.value >= 1 for s in samples)
    assert found["silverline_oldest_unfinished_turn_seconds"].samples[0].value == 0
    for name, family in found.items():
        assert name.startswith("silverline_")
        if "duration" in name and not name.endswith("_created"):
            assert name.endswith("_seconds") and family.type == "histogram"


def test_only_who_may_reads_them(tmp_path: Path) -> None:
    near = client_of(tmp_path)
    far = {"environ_base": {"REMOTE_ADDR": "203.0.113.9"}}
    assert near.get("/metrics", **far).status_code == 403
    guarded = client_of(tmp_path, token="secret")
    assert guarded.get("/metrics").status_code == 401
    head = {"Authorization": "Bearer secret"}
    assert guarded.get("/metrics", headers=head, **far).status_code == 200


def test_steps_and_turns_are_timed_and_traced(parts: Parts) -> None:
    memory = pytest.importorskip("opentelemetry.sdk.trace.export.in_memory_span_exporter")
    exporter = memory.InMemorySpanExporter()
    tracing.set_up(Metrics(), "test", exporter)
    try:
        turn_id = ask(parts.sessions, text="기초연금이 뭐예요")
        advance(parts, turn_id)
    finally:
        tracing._Tracing.tracer = None
    spans = exporter.get_finished_spans()
    assert [span.name for span in spans] == ["think", "voice", "render", "deliver"]
    assert spans[0].attributes == {"turn": turn_id, "channel": "sink"}
    value = metrics.REGISTRY.get_sample_value
    assert value("silverline_step_duration_seconds_count", {"step": "think", "result": "done"})
    labels = {"channel": "sink", "outcome": "answered"}
    assert value("silverline_turn_duration_seconds_count", labels)


def test_a_worker_serves_its_own() -> None:
    metrics.serve(18431)
    assert "silverline_step_duration" in requests.get("http://127.0.0.1:18431", timeout=5).text


def test_traces_that_cannot_be_made_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    with pytest.raises(SettingsError, match="silverline\\[otel\\]"):
        tracing.set_up(Metrics(otlp_endpoint="http://localhost:4318/v1/traces"), "web")
    tracing.set_up(Metrics(), "web")
    with tracing.span("nothing", turn=1):
        pass

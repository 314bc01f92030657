"""Tables of the settings file that need room of their own; `bot.settings` has the others."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, SecretStr


class Section(BaseModel):
    """A table of the settings file; an unknown key is an error, not a silent no-op."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Call(Section):
    """The video call: its page, and the server that `silverline call-server` runs."""

    enabled: bool = False
    host: str = "127.0.0.1"
    port: int = Field(8100, ge=1, le=65535)
    servers: tuple[str, ...] = ("http://127.0.0.1:8100",)
    """Where the web application reaches call servers; the first that has room is used."""
    most_calls: int = Field(4, ge=1, le=1000)
    """Calls of one server at once."""
    offers_a_minute: int = Field(6, ge=1)
    """Calls that one person may begin within a minute."""
    connect_seconds: float = Field(15.0, gt=0)
    idle_seconds: float = Field(20.0, gt=0)
    """A caller from whom nothing has come for so long has vanished."""
    longest_minutes: float = Field(30.0, gt=0)
    drain_seconds: float = Field(600.0, ge=0)
    """How long a server that is to stop waits for the calls that go on."""
    link_hours: int = Field(168, ge=1)
    summary: bool = True
    """Send what was asked and answered to the person's telephone or messenger after a call."""
    wav2lip_speed: float = Field(2.0, gt=0)
    """How many times faster than real time a Wav2Lip face must be here for a call to show it."""
    stun_urls: tuple[str, ...] = ()
    turn_urls: tuple[str, ...] = ()
    turn_secret: SecretStr = SecretStr("")
    """Shared with the TURN server (coturn: `static-auth-secret`)."""
    turn_seconds: int = Field(3600, ge=60)


class Live(Section):
    """Live conversations: the telephone's streams and video calls, in a process of their own."""

    enabled: bool = False
    public_url: str = Field("", pattern=r"^(https?://[^/]+.*[^/])?$")
    """Where callers reach that process; empty: `app.public_url`, a proxy tells them apart."""
    host: str = "127.0.0.1"
    port: int = Field(8001, ge=1, le=65535)
    capacity: int = Field(4, ge=1, le=64)
    """Conversations at the same time; whoever calls then is answered in recorded mode."""
    prepare: bool = True
    """Speak the sentences of all articles ahead, while nobody calls."""


class Costs(Section):
    """What things cost, for the dashboard; nothing is shown where no price is known."""

    currency: str = "KRW"
    compute_hour: float = Field(0.0, ge=0)
    """An hour of a worker's computing."""
    messages: dict[str, float] = {}
    """A delivered reply, by channel."""


class Metrics(Section):
    """What monitoring may read at `/metrics`."""

    enabled: bool = False
    token: SecretStr = SecretStr("")
    """The bearer token that is asked for; without one only this machine may read."""
    worker_port: int = Field(0, ge=0, le=65535)
    """Where a worker serves its own figures, on this machine; 0: nowhere."""
    otlp_endpoint: str = Field("", pattern=r"^(https?://\S+)?$")
    """Where traces go (OTLP over HTTP); empty: nowhere. Needs the extra `otel`."""

"""Which channels a worker delivers to."""

from __future__ import annotations

from bot.channels.call import VideoCalls
from bot.channels.kakao import Kakao
from bot.channels.links import Links
from bot.channels.phone import Phone
from bot.channels.whatsapp import WhatsApp
from bot.conversation.database import sessions
from bot.conversation.delivery import Channel
from bot.conversation.trials import Console
from bot.settings import Settings


def channels(settings: Settings) -> dict[str, Channel]:
    """Return the enabled channels by name."""
    links = Links.of(settings)
    found: list[Channel] = []
    if settings.kakao.enabled:
        found.append(Kakao(settings, links, sessions(settings)))
    if settings.twilio.enabled:
        found.append(WhatsApp(settings, links))
    if settings.twilio.enabled and settings.twilio.phone_enabled:
        found.append(Phone(settings))
    if settings.call.enabled:
        found.append(VideoCalls(settings))
    if settings.admin.enabled:
        found.append(Console())
    return {channel.name: channel for channel in found}

"""The channels that are configured to hand alerts over, each from its section; None where it is not."""

from __future__ import annotations

from alerts.channels.cap import CapChannel
from alerts.channels.dc09 import Dc09Channel
from alerts.channels.dc09_frame import Account
from alerts.channels.gammu import GammuChannel
from gyrophare.handover_settings import CapSettings, Dc09Settings, GammuSettings
from gyrophare.kernel.clock import Clock


def gammu(settings: GammuSettings) -> GammuChannel | None:
    return None if settings.url is None else GammuChannel(settings.url.get_secret_value())


def cap(settings: CapSettings) -> CapChannel | None:
    if settings.sender is None:
        return None
    return CapChannel(
        sender=settings.sender,
        folder=settings.folder,
        url=settings.url,
        token=None if settings.secret is None else settings.secret.get_secret_value(),
    )


def dc09(settings: Dc09Settings, clock: Clock) -> Dc09Channel | None:
    if settings.host is None or settings.port is None or settings.account is None:
        return None
    key = None if settings.key is None else bytes.fromhex(settings.key.get_secret_value())
    return Dc09Channel(
        host=settings.host,
        port=settings.port,
        protocol=settings.protocol,
        account=Account(number=settings.account, receiver=settings.receiver, line=settings.line, key=key),
        language=settings.language,
        clock=clock,
    )

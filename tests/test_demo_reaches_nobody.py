"""The demo's alarms are invented: they reach nobody whom the configuration names."""

from __future__ import annotations

from pathlib import Path

from pydantic import SecretStr

from gyrophare.channel_settings import EmailSettings, WebhookSettings
from gyrophare.demo import story
from gyrophare.handover_settings import CapSettings, Dc09Settings, GammuSettings
from gyrophare.settings import CanarySettings, DeadmanSettings, HttpSettings, Settings


async def test_demo_has_no_way_out_but_its_own_provider(tmp_path: Path) -> None:
    configured = Settings(
        data_dir=tmp_path,
        http=HttpSettings(port=0),
        email=EmailSettings(host="smtp.cotedor.example", sender="gyrophare@cotedor.example"),
        webhook=WebhookSettings(
            targets={"cta": "https://cta.cotedor.example/"},
            secret=SecretStr("shared with the receiver"),
            allowed_hosts=("cta.cotedor.example",),
        ),
        gammu=GammuSettings(url=SecretStr("postgresql://smsd:x@smsd.cotedor.example/smsd")),
        cap=CapSettings(sender="gyrophare@cotedor.example", folder=tmp_path / "cap"),
        dc09=Dc09Settings(host="192.0.2.7", port=10_000, account="12AB"),
        deadman=DeadmanSettings(url=SecretStr("https://veille.cotedor.example/ping")),
        canary=CanarySettings(enabled=True),
    )
    async with story._stage(configured, lambda _: None) as (server, provider):
        assert sorted(server.dispatcher._channels) == ["sms", "watch"]
        assert server.settings.sms.base_url == provider.base_url
        assert server.canary is None
        assert (server.settings.deadman, server.settings.dc09) == (DeadmanSettings(), Dc09Settings())

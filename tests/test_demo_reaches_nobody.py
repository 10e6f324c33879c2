"""The demo's alarms are invented: they reach no mail server and no receiver that the configuration names."""

from __future__ import annotations

from pathlib import Path

from pydantic import SecretStr

from gyrophare.channel_settings import EmailSettings, WebhookSettings
from gyrophare.demo import story
from gyrophare.settings import HttpSettings, Settings


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
    )
    async with story._stage(configured, lambda _: None) as (server, provider):
        assert sorted(server.dispatcher._channels) == ["sms", "watch"]
        assert server.settings.sms.base_url == provider.base_url

"""The ways out that are configured: each channel from its section of the settings, None where that is empty."""

from __future__ import annotations

from collections.abc import Iterable

from alerts.channels import Channel
from alerts.channels.email import EmailChannel, MailServer
from alerts.channels.sms import SmsChannel
from alerts.channels.twilio import Account
from alerts.channels.voice import VoiceChannel
from alerts.channels.webhook import WebhookChannel
from alerts.channels.webhook_policy import WebhookPolicy
from alerts.model import Carried
from alerts.reach import SMS_REPLIES
from gyrophare.channel_settings import EmailSettings, WebhookSettings
from gyrophare.kernel.clock import Clock
from gyrophare.platform.tls import client_context
from gyrophare.settings import SmsSettings


def carried(channels: Iterable[Channel], webhook: WebhookSettings, *, hears: bool) -> Carried:
    """What a server with these channels says of itself; `hears`: also what is answered by SMS."""
    names = {channel.name for channel in channels}
    replies = {SMS_REPLIES} if hears and "sms" in names else set()
    targets = {"webhook": frozenset(webhook.targets)} if "webhook" in names else {}
    return Carried(channels=frozenset(names | replies), targets=targets)


def sms_channel(sms: SmsSettings, *, status_callback: str | None) -> SmsChannel | None:
    """`status_callback` is where the provider says what becomes of a message; None: it is not asked to."""
    account = _account(sms)
    return None if account is None else SmsChannel(**account, status_callback=status_callback)


def voice_channel(sms: SmsSettings, *, status_callback: str | None, key_url: str | None) -> VoiceChannel | None:
    """As `sms_channel`; `key_url` is where it says which key was pressed."""
    account = _account(sms) if sms.voice else None
    return None if account is None else VoiceChannel(**account, status_callback=status_callback, key_url=key_url)


def _account(sms: SmsSettings) -> Account | None:
    if not (sms.base_url and sms.account_sid and sms.api_key and sms.api_secret and sms.from_number):
        return None
    return Account(
        base_url=sms.base_url,
        account_sid=sms.account_sid,
        api_key=sms.api_key,
        api_secret=sms.api_secret.get_secret_value(),
        from_number=sms.from_number,
    )


def email_channel(email: EmailSettings, clock: Clock) -> EmailChannel | None:
    """Raise SettingsError when the authority's file cannot be read."""
    server = mail_server(email)
    return None if server is None or email.sender is None else EmailChannel(server, sender=email.sender, clock=clock)


def mail_server(email: EmailSettings) -> MailServer | None:
    """Raise SettingsError when the authority's file cannot be read."""
    if email.host is None or email.sender is None:
        return None
    return MailServer(
        host=email.host,
        port=email.effective_port,
        security=email.security,
        tls=client_context(email.ca_file, verify=email.verify),
        local_name=email.sender.rpartition("@")[2],
        username=email.username,
        password=None if email.password is None else email.password.get_secret_value(),
    )


def webhook_channel(webhook: WebhookSettings, clock: Clock) -> WebhookChannel | None:
    """Raise SettingsError when the authority's file cannot be read."""
    if not webhook.targets or webhook.secret is None:
        return None
    return WebhookChannel(
        targets=webhook.targets,
        secret=webhook.secret.get_secret_value(),
        policy=webhook_policy(webhook),
        tls=client_context(webhook.ca_file),
        clock=clock,
    )


def webhook_policy(webhook: WebhookSettings) -> WebhookPolicy:
    return WebhookPolicy(
        allowed_hosts=webhook.hosts, plain_http=webhook.plain_http, private_networks=webhook.private_networks
    )

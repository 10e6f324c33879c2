"""The doctor's look at the ways out besides SMS: it sends nothing, it only asks whether something could be sent."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import httpx

from alerts.channels import Outcome
from alerts.channels.email import greet
from alerts.channels.webhook_transport import SystemResolver, allowed_addresses
from gyrophare import outgoing
from gyrophare.channel_settings import EmailSettings, WebhookSettings
from gyrophare.finding import Finding
from gyrophare.kernel.errors import SettingsError
from gyrophare.platform.tls import client_context
from gyrophare.settings import Settings

_LOOK_UP_S = 5.0


def look(settings: Settings) -> Iterator[Finding]:
    """Nothing is said of a channel that nobody configured: they are extras beside SMS."""
    if settings.sms.voice:
        yield _voice(settings)
    if settings.email.configured:
        yield _email(settings.email)
    if settings.webhook.targets:
        try:
            client_context(settings.webhook.ca_file)
        except SettingsError as error:
            yield Finding(name="webhook", verdict="fault", found=str(error), do="correct ca_file in [webhook]")
        yield from asyncio.run(_webhooks(settings.webhook))


def _voice(settings: Settings) -> Finding:
    """Whether somebody who is called can answer. Nobody is called."""
    if settings.callbacks.public_url is None:
        return Finding(
            name="voice",
            verdict="warning",
            found="nobody can take an alert by a key, and a call that nobody answers is noticed late",
            do="fill the section [callbacks]",
        )
    return Finding(name="voice", verdict="ok", found=f"keys are heard at {settings.callbacks.public_url}")


def _email(email: EmailSettings) -> Finding:
    """Whether the mail server greets us, over TLS where that is asked for. No mail is sent and nobody logs in."""
    where = f"{email.host}:{email.effective_port}"
    try:
        server = outgoing.mail_server(email)
    except SettingsError as error:
        return Finding(name="email", verdict="fault", found=str(error), do="correct ca_file in [email]")
    if server is None:
        return Finding(name="email", verdict="fault", found="half configured", do="fill the section [email]")
    greeted = asyncio.run(greet(server))
    if greeted.outcome is not Outcome.SENT:
        return Finding(
            name="email",
            verdict="fault",
            found=f"{where}: {greeted.detail}{f' ({greeted.error_code})' if greeted.error_code else ''}",
            do="check host, port, security and ca_file in [email], and that the mail server runs",
        )
    if not email.verify or email.security == "none":
        return Finding(
            name="email",
            verdict="warning",
            found=f"{where} answers, but nothing proves that it is the server, or hides what is sent",
            do="in [email] set security to starttls or tls, verify to true, and ca_file for an authority of your own",
        )
    return Finding(name="email", verdict="ok", found=f"{where} answers, over TLS")


async def _webhooks(webhook: WebhookSettings) -> list[Finding]:
    """Whether each target's name leads somewhere, and only where it may. Nothing is posted."""
    policy, resolver = outgoing.webhook_policy(webhook), SystemResolver()
    findings = []
    for name, url in sorted(webhook.targets.items()):
        try:
            addresses = await allowed_addresses(policy, resolver, httpx.URL(url), timeout_s=_LOOK_UP_S)
        except httpx.TransportError as error:
            finding = Finding(
                name=f"webhook {name}",
                verdict="fault",
                found=str(error),
                do="check the target, allowed_hosts and private_networks in [webhook], and the name server",
            )
        else:
            finding = Finding(name=f"webhook {name}", verdict="ok", found=f"allowed, at {', '.join(addresses)}")
        findings.append(finding)
    resolver.close()
    return findings

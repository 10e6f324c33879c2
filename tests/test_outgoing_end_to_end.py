"""From a policy to a mail server and a receiver, through a whole server and its settings."""

from __future__ import annotations

from pathlib import Path

from aiohttp import web
from pydantic import SecretStr

from alerts import documents, policy_store
from alerts.channels.webhook_signature import verify
from alerts.model import Step
from alerts.policy import Policy
from gyrophare.channel_settings import EmailSettings, WebhookSettings
from gyrophare.embedded import MqttBroker
from gyrophare.kernel.clock import ManualClock
from gyrophare.server import Server
from gyrophare.settings import DatabaseSettings, HttpSettings, MqttSettings, Settings
from tests.department import ORGANISATION, Department
from tests.mail_desk import MailDesk

SECRET = "shared with the receiver"


async def test_outbox_reaches_the_mail_server_and_the_receiver(
    database_url: str, broker: MqttBroker, department: Department, clock: ManualClock, tmp_path: Path
) -> None:
    taken: list[tuple[web.Request, bytes]] = []

    async def take(request: web.Request) -> web.Response:
        taken.append((request, await request.read()))
        return web.Response(status=202)

    app = web.Application()
    app.router.add_post("/alerts", take)
    receiver = web.AppRunner(app, access_log=None)
    await receiver.setup()
    await web.TCPSite(receiver, "127.0.0.1", 0).start()
    desk = MailDesk()
    await desk.start()
    settings = Settings(
        instance="test-outgoing",
        data_dir=tmp_path,
        database=DatabaseSettings(url=SecretStr(database_url), pool_size=4),
        mqtt=MqttSettings(url=SecretStr(broker.url)),
        http=HttpSettings(port=0),
        email=EmailSettings(host="127.0.0.1", port=desk.port, security="none", sender="gyrophare@cotedor.example"),
        webhook=WebhookSettings(
            targets={"cta": f"http://127.0.0.1:{receiver.addresses[0][1]}/alerts"},
            secret=SecretStr(SECRET),
            allowed_hosts=("127.0.0.1",),
            private_networks=True,
        ),
    )
    server = Server(settings, clock, ticking=False)
    try:
        await server.start()
        [said] = await department.rows("select channels, targets from channel_presence")
        await policy_store.put_contact(
            department.connection, ORGANISATION, 1, "Astreinte", "+33600000001", "astreinte@cotedor.example"
        )
        steps = (
            Step(after_s=0, channel="email", to="rank 1"),
            Step(after_s=0, channel="webhook", to="target cta"),
        )
        policy = Policy(name="urgence", kinds=None, steps=steps)
        await policy_store.replace_policies(department.connection, ORGANISATION, [policy])
        await department.on_shift("w-1", agent="Hélène Bœuf")
        clock.advance(180)
        await server.tick()
        server.dispatcher.wake()
        await department.until_rows(2, "select from attempt where outcome = 'sent'")
        statuses = await department.rows(
            "select n.channel, n.state, t.http_status from notification n join attempt t on t.notification_id = n.id"
            " order by n.channel"
        )
    finally:
        await server.stop()
        await receiver.cleanup()
        await desk.stop()
    assert said == {"channels": ["email", "watch", "webhook"], "targets": {"webhook": ["cta"]}}
    assert [(row["channel"], row["state"], row["http_status"]) for row in statuses] == [
        ("email", "sent", None),
        ("webhook", "sent", 202),
    ]
    assert [envelope.rcpt_tos for envelope in desk.kept] == [["astreinte@cotedor.example"]]
    [(request, body)] = taken
    told = documents.read(body.decode())
    assert (told.occasion, told.what, told.subject) == ("raised", "SANS NOUVELLES", "Hélène Bœuf")
    timestamp, signature = request.headers["Gyrophare-Timestamp"], request.headers["Gyrophare-Signature"]
    assert verify(SECRET, timestamp, signature, body, now_s=clock.now().timestamp())

"""The page on which people see what was sent, and answer it as a telephone would."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from aiohttp import web

from gyrophare.sim.sms_provider.messages import Message, parts

_FRENCH = {
    "queued": "en file",
    "sending": "en cours d’envoi",
    "sent": "envoyé",
    "delivered": "remis",
    "undelivered": "non remis",
    "failed": "échec",
}
_PAGE = """<!doctype html><html lang="fr"><head><meta charset="utf-8"><meta http-equiv="refresh" content="2">
<title>Opérateur SMS simulé</title><style>
body{{font:1rem system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}} table{{width:100%;
border-collapse:collapse}} th,td{{text-align:left;vertical-align:top;padding:.5rem;border-bottom:1px solid #8888}}
td.text{{white-space:pre-wrap;overflow-wrap:anywhere}}</style></head><body><h1>Opérateur SMS simulé</h1>
<p>Aucun message ne quitte cette machine. Messages reçus : {count}.</p>
<table><thead><tr><th>Heure (UTC)<th>Destinataire<th>Message<th>Parties<th>État{head}</thead><tbody>
{rows}</tbody></table></body></html>"""
_ANSWER = (
    '<td><form method="post" action="/reply"><input type="hidden" name="MessageSid" value="{sid}">'
    '<button name="Body" value="1">Répondre 1</button></form>'
)


def outbox(messages: Iterable[Message], now_monotonic_s: float, *, answers: bool) -> web.Response:
    """All messages, the newest first; with `answers` each has a button that answers "1" in its receiver's name."""
    rows = [_row(message, message.status(now_monotonic_s), answers=answers) for message in messages]
    return web.Response(
        text=_PAGE.format(count=len(rows), rows="".join(rows), head="<th>Réponse" if answers else ""),
        content_type="text/html",
        headers={"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'"},
    )


def _row(message: Message, status: str, *, answers: bool) -> str:
    encoding, count = parts(message.body)
    return (
        f"<tr><td>{message.created_at:%H:%M:%S}<td>{escape(_masked(message.to))}"
        f'<td class="text">{escape(message.body)}<td>{count} {encoding}<td>{escape(_FRENCH.get(status, status))}'
        f"{_ANSWER.format(sid=message.sid) if answers else ''}\n"
    )


def _masked(number: str) -> str:
    return f"{number[:4]}{'•' * max(len(number) - 6, 0)}{number[-2:]}"

"""The page on which people see what was sent, and answer it as a telephone would."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from aiohttp import web

from gyrophare.sim.sms_provider.calls import Call
from gyrophare.sim.sms_provider.messages import Message, parts

_FRENCH = {
    "queued": "en file",
    "sending": "en cours d’envoi",
    "sent": "envoyé",
    "delivered": "remis",
    "undelivered": "non remis",
    "failed": "échec",
    "initiated": "appel en cours",
    "ringing": "sonne",
    "in-progress": "décroché",
    "completed": "terminé",
    "busy": "occupé",
    "no-answer": "pas de réponse",
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


_KEY = (
    '<td><form method="post" action="/reply"><input type="hidden" name="CallSid" value="{sid}">'
    '<button name="Digits" value="1">Touche 1</button></form>'
)


def outbox(sent: Iterable[Message | Call], now_monotonic_s: float, *, answers: bool) -> web.Response:
    """All messages and calls, the newest first.

    With `answers` each has a button that answers "1" in its receiver's name, a call only while he is on the telephone.
    """
    newest_first = sorted(sent, key=lambda one: one.created_monotonic_s, reverse=True)
    rows = [_row(one, one.status(now_monotonic_s), answers=answers) for one in newest_first]
    return web.Response(
        text=_PAGE.format(count=len(rows), rows="".join(rows), head="<th>Réponse" if answers else ""),
        content_type="text/html",
        headers={"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'"},
    )


def _row(sent: Message | Call, status: str, *, answers: bool) -> str:
    if isinstance(sent, Call):
        size, text = "appel", "\n".join((sent.body, *(f"→ {said}" for said in sent.answers)))
        answer = _KEY if status == "in-progress" and sent.key_url is not None else "<td>"
    else:
        encoding, count = parts(sent.body)
        size, text, answer = f"{count} {encoding}", sent.body, _ANSWER
    return (
        f"<tr><td>{sent.created_at:%H:%M:%S}<td>{escape(_masked(sent.to))}"
        f'<td class="text">{escape(text)}<td>{size}<td>{escape(_FRENCH.get(status, status))}'
        f"{answer.format(sid=sent.sid) if answers else ''}\n"
    )


def _masked(number: str) -> str:
    return f"{number[:4]}{'•' * max(len(number) - 6, 0)}{number[-2:]}"

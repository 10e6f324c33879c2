"""How the stand-in calls back: signed as the provider signs, said again as it does, and with the faults of the way."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections import deque
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import parse_qs, urldefrag

import httpx

RETRIES, RETRIES_MAX = 1, 5
CONNECT_TIMEOUT_S, READ_TIMEOUT_S = 5.0, 15.0


class CallbackFault(StrEnum):
    """What goes wrong with one callback."""

    NONE = "none"
    LOST = "lost"
    DOUBLED = "doubled"
    HELD = "held"
    """It comes after the next one."""
    FORGED = "forged"
    """Somebody sends it who does not know the token."""
    UNSIGNED = "unsigned"


@dataclass(frozen=True, kw_only=True)
class Called:
    """One callback on its way, and what it met; no status: nobody answered."""

    url: str
    form: dict[str, str]
    http_statuses: tuple[int | None, ...] = ()
    answer: str = ""
    """The body of the last one."""


class Callbacks:
    """Posts forms to whoever asked for them. `faults` are those of the next callbacks, in order."""

    def __init__(self, auth_token: str, http: httpx.AsyncClient | None = None) -> None:
        self.faults: deque[CallbackFault] = deque()
        self.made: list[Called] = []
        self._auth_token = auth_token
        self._http = http or httpx.AsyncClient(trust_env=False)
        self._held: list[Called] = []

    async def aclose(self) -> None:
        await self._http.aclose()

    async def call(self, url: str, form: dict[str, str]) -> Called | None:
        """Call back, with the next fault if there is one; what was held back comes after it. None: it never left."""
        fault = self.faults.popleft() if self.faults else CallbackFault.NONE
        calling = Called(url=url, form=form)
        if fault is CallbackFault.HELD:
            self._held.append(calling)
            return None
        made = None
        if fault is not CallbackFault.LOST:
            made = await self._send(calling, fault)
            if fault is CallbackFault.DOUBLED:
                await self._send(calling, fault)
        held, self._held = self._held, []
        for late in held:
            await self._send(late, CallbackFault.NONE)
        return made

    async def replay(self) -> None:
        """Say all that was ever said once more, the last first, as whoever has listened in could."""
        for called in self.made[::-1]:
            await self._send(Called(url=called.url, form=called.form), CallbackFault.NONE)

    async def _send(self, calling: Called, fault: CallbackFault) -> Called:
        url, fragment = urldefrag(calling.url)
        headers = {}
        if fault is not CallbackFault.UNSIGNED:
            token = "nobody's token" if fault is CallbackFault.FORGED else self._auth_token
            headers["X-Twilio-Signature"] = signature(token, url, calling.form)
        retries, on_refusal = _how_often(fragment)
        met: list[int | None] = []
        answer = ""
        for _ in range(1 + retries):
            status, answer = await self._post(url, calling.form, headers)
            met.append(status)
            if met[-1] is not None and not (on_refusal and met[-1] >= httpx.codes.BAD_REQUEST):
                break
        called = Called(url=calling.url, form=calling.form, http_statuses=tuple(met), answer=answer)
        self.made.append(called)
        return called

    async def _post(self, url: str, form: dict[str, str], headers: dict[str, str]) -> tuple[int | None, str]:
        timeout = httpx.Timeout(READ_TIMEOUT_S, connect=CONNECT_TIMEOUT_S)
        try:
            answer = await self._http.post(url, data=form, headers=headers, timeout=timeout)
        except httpx.HTTPError:
            return None, ""
        return answer.status_code, answer.text


def signature(token: str, url: str, form: dict[str, str]) -> str:
    """The provider's signature; written out again, since the stand-in judges our own."""
    signed = url
    for name in sorted(form):
        signed += name + form[name]
    return base64.b64encode(hmac.new(token.encode(), signed.encode(), hashlib.sha1).digest()).decode()


def _how_often(fragment: str) -> tuple[int, bool]:
    """How often again, and whether after a refusal too: `rc` and `rp` of the URL's fragment."""
    wanted = parse_qs(fragment)
    count = wanted.get("rc", [""])[-1]
    retries = min(int(count), RETRIES_MAX) if count.isdecimal() else RETRIES
    return retries, "all" in ",".join(wanted.get("rp", [])).split(",")

"""An alarm receiving centre (télésurveilleur) as a channel: SIA DC-09, in SIA or Contact ID, over TCP or UDP.

The contact's address says for people which centre it is; who we are there is configured. A frame sent again has the
sequence number of the first: by it the receiver knows a duplicate.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Literal

from alerts import documents
from alerts.channels import Outcome, OutgoingText, SendResult
from alerts.channels import dc09_frame as frames
from alerts.channels.dc09_events import Event, event_of
from alerts.channels.dc09_frame import Account, Answer, Reply
from alerts.channels.dc09_link import NotTakenError, TcpLink, UdpLink
from gyrophare.kernel.clock import Clock

log = logging.getLogger(__name__)

Language = Literal["SIA-DCS", "ADM-CID"]
ANSWER_S = 5.0
_TRIES = 3
_SEND_S = 25.0  # all tries together: shorter than the dispatcher's lease
_SEQUENCES = 9999
_OFFSET_MAX = timedelta(days=1)  # a receiver whose clock is further off has another fault
_STALE = timedelta(hours=1)  # an acknowledgement older than this is a recorded one


class Dc09Channel:
    """Tells one account at one receiver."""

    name = "dc09"

    def __init__(
        self,
        *,
        host: str,
        port: int,
        protocol: Literal["tcp", "udp"],
        account: Account,
        language: Language,
        clock: Clock,
        answer_s: float = ANSWER_S,
    ) -> None:
        self._account = account
        self._language = language
        self._clock = clock
        self._link = (TcpLink if protocol == "tcp" else UdpLink)(host, port, answer_s)
        self._offset = timedelta(0)  # the receiver's clock, ahead of ours
        self._supervised: bool | None = None

    async def send(self, message: OutgoingText) -> SendResult:
        try:
            document = documents.read(message.text)
            event = event_of(document)
        except ValueError as error:
            return _result(Outcome.PERMANENT, str(error))
        if event is None:
            return _result(Outcome.SENT, "nothing to say: DC-09 has no word for this occasion")
        # Derived, not counted: several servers share the account, and a retry after a crash must use the same.
        sequence = 1 + (message.notification_id - 1) % _SEQUENCES
        data = self._data(event, document.reference)
        extended = [frames.occurred(document.episode_at)]
        if (
            document.position is not None and self._account.key is not None
        ):  # where somebody is does not travel in clear
            extended += [
                frames.longitude(document.position.longitude_deg),
                frames.latitude(document.position.latitude_deg),
            ]
        return await self._tell(
            sequence, lambda at: frames.write(self._account, self._language, sequence, data, extended, at)
        )

    async def find_sent(self, message: OutgoingText, *, since: datetime) -> SendResult | None:
        return None  # a receiver cannot be asked; it knows the same sequence number again

    async def supervise(self) -> SendResult:
        """Say that we are alive, once; log when the receiver is lost or found."""
        sequence = frames.SUPERVISION_SEQUENCE
        result = await self._tell(
            sequence, lambda at: frames.write(self._account, frames.SUPERVISION, sequence, "", (), at)
        )
        answered = result.outcome is Outcome.SENT
        if answered is not self._supervised:
            level = logging.INFO if answered else logging.ERROR
            log.log(
                level,
                "The alarm receiver %s (%s)",
                "answers" if answered else "does not answer",
                result.detail,
                extra={"action": "dc09_supervision"},
            )
        self._supervised = answered
        return result

    def _data(self, event: Event, reference: str) -> str:
        code = event.code
        if self._language == "ADM-CID":
            what = f"{3 if event.restore else 1}{code.contact_id} 00 {event.zone:03}"
        else:
            what = f"N{code.sia_restore if event.restore else code.sia}{event.zone:03}^{reference}^"
        return f"#{self._account.number}|{what}"

    async def _tell(self, sequence: int, frame_at: Callable[[datetime], bytes]) -> SendResult:
        try:
            async with asyncio.timeout(_SEND_S):
                return await self._try(sequence, frame_at)
        except TimeoutError:
            return _result(Outcome.AMBIGUOUS, "no answer in time")

    async def _try(self, sequence: int, frame_at: Callable[[datetime], bytes]) -> SendResult:
        """Ask until there is an answer; what was asked before and stayed without one may have been taken."""
        silent = corrected = False
        for _ in range(_TRIES):
            try:
                reply = await self._link.ask(
                    frame_at(self._clock.now() + self._offset), lambda answer: self._accepted(answer, sequence)
                )
            except NotTakenError as error:
                return _result(Outcome.AMBIGUOUS if silent else Outcome.TEMPORARY, str(error))
            if reply is None:
                silent = True
            elif reply.answer is Answer.ACK:
                return _result(Outcome.SENT, "acknowledged by the receiver", provider_id=f"{sequence:04}")
            elif reply.answer is Answer.DUH:
                return _result(Outcome.PERMANENT, "the receiver cannot handle this event", code="DUH")
            elif corrected or not self._adopt(reply):
                return _result(Outcome.TEMPORARY, "the receiver refuses the frame", code="NAK")
            else:
                corrected = True
        return _result(Outcome.AMBIGUOUS, "no answer")

    def _accepted(self, answer: bytes, sequence: int) -> Reply | None:
        reply = frames.read(answer, self._account)
        if reply is None or not reply.is_for(self._account, sequence):
            return None
        if reply.encrypted and reply.at is not None:
            age = abs(reply.at - self._clock.now() - self._offset)
            return reply if age <= _STALE else None
        return reply

    def _adopt(self, nak: Reply) -> bool:
        """Take over the receiver's time; False where it says none that could be its own."""
        if nak.at is None or abs(nak.at - self._clock.now()) > _OFFSET_MAX:
            return False
        self._offset = nak.at - self._clock.now()
        log.warning(
            "The alarm receiver's clock is %.0f s ahead of ours",
            self._offset.total_seconds(),
            extra={"action": "dc09_clock"},
        )
        return True


def _result(outcome: Outcome, detail: str, *, provider_id: str | None = None, code: str | None = None) -> SendResult:
    return SendResult(outcome=outcome, provider_id=provider_id, http_status=None, error_code=code, detail=detail)

"""A stand-in for a Twilio-compatible SMS provider, at its HTTP border: no text leaves the machine."""

from gyrophare.sim.sms_provider.callbacks import CallbackFault
from gyrophare.sim.sms_provider.faults import Act, Fault
from gyrophare.sim.sms_provider.provider import SmsProvider

__all__ = ["Act", "CallbackFault", "Fault", "SmsProvider"]

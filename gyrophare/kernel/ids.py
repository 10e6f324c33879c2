"""Identifiers are types, so that an alert's number is never taken for a device's."""

from __future__ import annotations

from typing import NewType

OrganisationId = NewType("OrganisationId", int)
DeviceId = NewType("DeviceId", int)
AgentId = NewType("AgentId", int)
ShiftId = NewType("ShiftId", int)
AlertId = NewType("AlertId", int)
AccountId = NewType("AccountId", int)
ContactId = NewType("ContactId", int)
CommandId = NewType("CommandId", int)

"""Errors that cross package borders. Each text says what is, what was expected and what to do."""

from __future__ import annotations


class GyrophareError(Exception):
    """The base of every error we raise on purpose; its text is meant for a person."""


class WireError(GyrophareError):
    """A message from outside cannot be understood. It is kept in `rejected`; nothing else stops.

    `reason` is a short stable code (metrics, filters); `detail` says what was got and what was expected.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class SettingsError(GyrophareError):
    """The configuration is wrong; the text lists every wrong key with its value and what is expected."""


class NotReadyError(GyrophareError):
    """Something the process needs is not there (database, broker, port, a free instance name)."""


class ProfileError(GyrophareError):
    """A figure of a profile cannot be used; shifts go on with the copies they have."""

    def __init__(self, profile: str, key: str, got: object, expected: str) -> None:
        super().__init__(f"profile {profile!r}: {key} = {got!r}; expected {expected}. Correct it and save it again.")

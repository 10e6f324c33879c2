"""What of a phone's settings hinders its app from reporting, as OwnTracks says it in a status.

A phone that may pause the app, or tells it the place only while it is looked at, protects nobody. Flags:
owntracks/android#1678 for Android; the names of iOS are those of Apple's CLAuthorizationStatus and
UIBackgroundRefreshStatus.
"""

from __future__ import annotations

from ingest.formats.reading import Reading


def hindrances(android: Reading, ios: Reading) -> list[str]:
    """The names of what hinders; empty when nothing does, or nothing was said."""
    return [*_android(android), *_ios(ios)]


def _android(reading: Reading) -> list[str]:
    """`loc`: 0 is always and precise; the further from it, either way, the worse, to 4: disabled."""
    location = reading.number("loc", low=-4, high=4)
    found = {
        "hibernation": _flag(reading, "hib"),
        "battery_optimiser": _flag(reading, "bo"),
        "power_save": _flag(reading, "ps"),
        "wifi_off": _flag(reading, "wifi") is False,
        "location_permission": location is not None and location != 0,
    }
    return [name for name, hinders in found.items() if hinders]


def _flag(reading: Reading, key: str) -> bool | None:
    """0 or 1, or a boolean; None when it is neither."""
    value = reading.source.get(key)
    return bool(value) if value in (0, 1) else None


def _ios(reading: Reading) -> list[str]:
    found = {
        "location_permission": ("locationManagerAuthorizationStatus", "AuthorizedAlways"),
        "background_refresh": ("backgroundRefreshStatus", "Available"),
    }
    return [name for name, (key, good) in found.items() if reading.text(key) and not reading.text(key).endswith(good)]

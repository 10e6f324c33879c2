"""A text message is one part: 160 septets of the GSM 7-bit alphabet (3GPP TS 23.038); of several each holds 153.

A single letter outside that alphabet (ç, ê, œ, a curly apostrophe) turns the whole message into UCS-2, where a part
holds 70 characters. French is therefore rewritten here with the letters the alphabet has.
"""

from __future__ import annotations

import unicodedata

ONE_PART_SEPTETS = 160
_PART_OF_SEVERAL_SEPTETS = 153
ELLIPSIS = "..."
UNKNOWN = "?"

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ"
    " !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENSION = frozenset("^{}\\[~]|€")  # each is preceded by an escape, hence two septets

# What Unicode's own decomposition does not give: letters without accents are found by it, these are not.
_SUBSTITUTES = {
    **dict.fromkeys("‘’‚‛′`´ʼ", "'"),
    **dict.fromkeys("“”„‟″«»", '"'),
    **dict.fromkeys("‐‑‒–—―−", "-"),
    **dict.fromkeys("\t\v\f\x85\N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}\N{THIN SPACE}", " "),
    **dict.fromkeys("\N{LINE SEPARATOR}\N{PARAGRAPH SEPARATOR}", "\n"),
    **dict.fromkeys("•·‣", "-"),
    "œ": "oe",
    "Œ": "OE",
    "°": "o",
    "×": "x",
    "÷": "/",
    "⁄": "/",
    "…": "...",
    "μ": "u",
    "ð": "d",
    "đ": "d",
    "ł": "l",
    "Ł": "L",
}


def to_gsm7(text: str) -> str:
    """Rewrite `text` with GSM-7 characters only; what has no near equivalent becomes `?`."""
    return "".join(_rewrite(character) for character in unicodedata.normalize("NFC", text))


def septets(text: str) -> int:
    """Septets that a GSM-7 `text` takes: one a character, two for € [ ] { } | ~ ^ and \\."""
    return sum(2 if character in _EXTENSION else 1 for character in text)


def room_septets(parts: int) -> int:
    """What surely fits into so many parts: an escape and its letter are never torn apart."""
    return ONE_PART_SEPTETS if parts == 1 else parts * _PART_OF_SEVERAL_SEPTETS - (parts - 1)


def to_gsm7_within(text: str, *, keep_end: str, septets_at_most: int = ONE_PART_SEPTETS) -> str:
    """Rewrite `text` for that room so that it ends with `keep_end`, which is never cut: what stands before it is.

    `keep_end` is appended where `text` does not end with it already.
    Raise ValueError if `keep_end` alone leaves no room.
    """
    end = to_gsm7(keep_end)
    whole = to_gsm7(text)
    if not whole.endswith(end):
        whole = f"{whole}{_separator(whole, end)}{end}"
    if septets(whole) <= septets_at_most:
        return whole
    tail = f"{ELLIPSIS} {end}" if end else ELLIPSIS
    room = septets_at_most - septets(tail)
    if room < 0:
        raise ValueError(f"keep_end takes {septets(end)} septets; at most {septets_at_most - 4} leave room for a text")
    return _cut(whole.removesuffix(end), room).rstrip() + tail


def _rewrite(character: str) -> str:
    if character in _BASIC or character in _EXTENSION:
        return character
    if character in _SUBSTITUTES:
        return _SUBSTITUTES[character]
    if unicodedata.category(character) in {"Mn", "Me", "Cc", "Cf"}:  # combining marks, controls, invisible joiners
        return ""
    decomposed = unicodedata.normalize("NFKD", character)
    return UNKNOWN if decomposed == character else "".join(_rewrite(part) for part in decomposed)


def _separator(text: str, end: str) -> str:
    return " " if text and end and not text[-1].isspace() else ""


def _cut(text: str, room: int) -> str:
    """The longest beginning of `text` that takes at most `room` septets."""
    for index, character in enumerate(text):
        room -= septets(character)
        if room < 0:
            return text[:index]
    return text

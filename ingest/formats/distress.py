"""Does a text call for help? For radios whose only button is a keyboard. Pure.

A false alarm costs a call, a missed one may cost a life: in doubt it is one.
"""

from __future__ import annotations

import re
import unicodedata

SOS_ANYWHERE = ("sos", "s o s", "au secours", "mayday")
"""Words that call for help wherever they stand."""
SOS_FIRST = ("urgence", "help", "secours", "a l aide", "aidez moi")
"""Words that do so at the beginning; elsewhere they are conversation: "pas d'urgence"."""

_WORD = re.compile(r"[0-9a-z]+")


def calls_for_help(text: str) -> bool:
    """Whether `text` is an SOS, whatever its case, accents and punctuation."""
    plain = unicodedata.normalize("NFKD", text).casefold()
    words = " ".join(_WORD.findall("".join(letter for letter in plain if not unicodedata.combining(letter))))
    if any(f" {call} " in f" {words} " for call in SOS_ANYWHERE):
        return True
    return any(f"{words} ".startswith(f"{call} ") for call in SOS_FIRST)

"""What a telephone says, in the provider's XML. Pure."""

from __future__ import annotations

import re
from xml.etree.ElementTree import Element, SubElement, tostring

LONGEST = 4000
"""Characters of a document that the provider takes inside a request."""
SPOKEN_MAX = 350
"""Characters of one text: said twice, each written as an entity, with a URL beside it, it still fits."""
_KEY_WITHIN_S = 10
_NO_CHARACTER = re.compile("[^\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]+")  # of XML 1.0


def alarm(text: str, *, key_url: str | None = None) -> str:
    """Say `text` twice; with `key_url` a key may be pressed meanwhile, or shortly after, and is said there."""
    response = Element("Response")
    within = response
    if key_url is not None:
        gather = {"numDigits": "1", "timeout": str(_KEY_WITHIN_S), "method": "POST", "action": key_url}
        within = SubElement(response, "Gather", gather)
    _say(within, text)
    SubElement(within, "Pause", {"length": "1"})
    _say(within, text)
    return _written(response)


def last_words(text: str) -> str:
    """Say `text` and hang up."""
    response = Element("Response")
    _say(response, text)
    SubElement(response, "Hangup")
    return _written(response)


def _say(within: Element, text: str) -> None:
    said = _NO_CHARACTER.sub(" ", text)
    SubElement(within, "Say", {"language": "fr-FR"}).text = said[:SPOKEN_MAX]


def _written(response: Element) -> str:
    return '<?xml version="1.0" encoding="UTF-8"?>' + tostring(response, encoding="unicode")

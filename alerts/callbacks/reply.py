"""What a contact means by the text he answers with. Pure.

"1" or "oui" takes the newest alert he was told of; "1 A17" or "A17" takes that one. Anything else takes none: an alert
that nobody has is worse than one that goes on to the next contact.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from gyrophare.kernel.ids import AlertId

_LENGTH_MAX = 40  # whoever writes more means more than yes
_YES = re.compile(
    r"(?:(?P<yes>1|oui|ok)(?![a-z0-9])[\s.,;:!-]*|1(?=a))?"
    r"(?:#?\s*a\s*(?P<alert>[1-9][0-9]{0,17})(?:-[0-9]{1,3})?)?[\s.!]*"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Yes:
    """He takes an alert: the one he names, or the newest he was told of."""

    alert_id: AlertId | None


def read(text: str) -> Yes | None:
    """What `text` means; None: not that its sender takes an alert. Case, spaces and full-width digits do not matter."""
    if len(text) > _LENGTH_MAX:
        return None
    plain = unicodedata.normalize("NFKC", text).casefold().strip()
    match = _YES.fullmatch(plain)
    if match is None or not (match["yes"] or match["alert"]):
        return None
    return Yes(alert_id=AlertId(int(match["alert"])) if match["alert"] else None)

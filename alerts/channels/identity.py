"""What tells one message from every other one, for receivers that drop what they have seen. Pure."""

from __future__ import annotations

import hashlib

from alerts.channels import OutgoingText


def stable_key(message: OutgoingText) -> str:
    """`n17-` and 16 hexadecimal digits: the same for each attempt at a message, another for any other message.

    A number alone would not do: the notification 17 of a database made anew, or of a test installation, would be
    dropped by a mail server that has seen a 17 before. Hence the digest of what is said, and to whom.
    """
    said = f"{message.to}\0{message.reference}\0{message.text}".encode()
    return f"n{message.notification_id}-{hashlib.sha256(said).hexdigest()[:16]}"

"""Making sure that somebody answers: alerts, their escalation, and the messages that carry them."""

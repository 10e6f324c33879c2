"""The proof that the history of alerts is whole and unchanged (ADR 16)."""

"""What comes back from the provider: what became of our messages, and what people answer."""

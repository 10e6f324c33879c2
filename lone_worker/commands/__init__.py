"""What watches are told to do: queued with the facts that ask for it, and followed until the watch says it has it."""

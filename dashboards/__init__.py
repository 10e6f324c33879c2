"""What dispatchers see and do: the live console and its API."""

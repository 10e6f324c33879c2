"""The rim every package shares: database, broker, schedule, logs. It does I/O and decides nothing."""

"""The demo: an invented crew on a real server, and one story that must end well."""

"""Listeners for devices that speak no MQTT. They understand nothing: they hand over frames as a broker would."""

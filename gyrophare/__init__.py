"""Gyrophare: somebody is told, in time, that a road agent is in danger."""

"""Knowing that someone is in danger: rules over what a watch says, and over what it does not say."""

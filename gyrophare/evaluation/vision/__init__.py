"""Vision on labelled recordings: how far off the ranges are, and how often the siren would be right."""

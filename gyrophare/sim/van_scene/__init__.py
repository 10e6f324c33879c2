"""A road as the van's camera would see it, and what is true of every vehicle in the picture.

Perspective is exact, looks are plausible: enough to try everything between the camera and the siren, not to say how
well a network sees on real roads.
"""

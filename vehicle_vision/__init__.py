"""The judgement behind the siren: where vehicles are, how fast they come, and whether they are in our axis.

Pure: numpy in, figures out; no clock, no file, no camera. What sees (`detectors`) and what reads a camera's file are
the rim.
"""

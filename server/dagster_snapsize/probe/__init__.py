"""What runs inside the user's interpreter: the standard library and the user's own Dagster only."""

import os

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "")
"""The folder of the probe, with a separator at its end: frames and files below it are our own."""

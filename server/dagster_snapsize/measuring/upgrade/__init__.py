"""Environments with another version of Dagster, to measure what an upgrade would save.

``versions.py`` knows which versions are released together, and ``environment.py`` builds the
environment beside the user's.
"""

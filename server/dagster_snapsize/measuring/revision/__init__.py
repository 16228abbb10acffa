"""Measure a revision of a git repository in its own files, with the user's interpreter.

``refs.py`` finds the commit, ``worktree.py`` checks it out into a temporary folder, and
``checkout.py`` finds its locations and verifies that they were read from there. ``redirect`` makes
editable installs lead to that folder; it runs in the user's interpreter.
"""

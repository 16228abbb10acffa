"""Measure code locations: start the probe in the user's interpreter, cache what it finds, compare.

``measure.py`` measures one location, from the cache or with ``probe_run.py``, which starts the
probe (``process.py``, or ``forkserver.py``) and makes a Measurement of its frames
(``assemble.py``). A revision of git and another version of Dagster have a package each; ``worker``
is the process that measures for an editor.
"""

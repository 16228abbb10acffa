"""The cache of measurements: ``lookup.py`` finds and stores one.

An entry is found by a key of everything that a measurement depends on (``key.py``, with files in
``file_states.py`` and variables in ``environment_key.py``), written as bytes by ``codec.py``, and
kept by ``store.py``. docs/cache.md describes it for users.
"""

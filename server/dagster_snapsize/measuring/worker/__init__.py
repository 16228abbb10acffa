"""The process that measures a project for an editor, and what it hands over.

``request.py`` is what it is asked, ``results.py`` what it answers; ``summary.py`` makes that of a
measurement. ``shared_results.py`` lets several servers measure a project once, and
``write_baseline.py`` is a process of its own that writes a baseline from results.
"""

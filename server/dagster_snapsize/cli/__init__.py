"""The command line: one module for each command; reports/ prints their results."""

"""Pure functions: serialized snapshots in, exact byte counts, findings and advice out."""

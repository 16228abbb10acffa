"""What the user's project says: its configuration, code locations, interpreters and files."""

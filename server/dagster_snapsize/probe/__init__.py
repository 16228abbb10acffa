"""What runs inside the user's interpreter: the standard library and the user's own Dagster only."""

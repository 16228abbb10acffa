"""A process of the user's interpreter that has imported Dagster, and forks each measurement."""

"""When to measure, and the processes that do."""

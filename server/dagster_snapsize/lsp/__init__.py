"""The language server: when to measure, what to watch, and what to show on which line."""

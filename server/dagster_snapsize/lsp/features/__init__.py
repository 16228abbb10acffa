"""One module for each LSP feature, and what they share."""

"""Open buffers, positions in them, and edits of them."""

"""Which files a measurement depends on, and noticing that they changed."""

"""Definitions that cannot be loaded."""

raise RuntimeError("the vault is sealed")

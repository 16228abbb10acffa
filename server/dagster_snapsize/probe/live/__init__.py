"""Asks a running code server for its snapshots, over gRPC, without Dagster or the user's code."""

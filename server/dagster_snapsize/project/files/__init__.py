"""The files that name code locations and settings: Dagster's and ours, as TOML and YAML."""

"""``python -m dagster_snapsize``."""

from dagster_snapsize.cli.main import main

main()

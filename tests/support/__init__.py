"""What tests share: environments, projects, commands, clients, and values."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
PROJECTS = ROOT / "tests" / "projects"

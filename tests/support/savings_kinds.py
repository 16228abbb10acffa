"""What is done, one at a time, to the project of ``savings_project.py``."""

KINDS = (
    "description",
    "op description",
    "metadata: dagster/column_schema",
    "metadata: only entry",
    "tags",
    "op tags",
    "owners",
    "partitions",
    "automation",
    "code-references",
    "non-latin",
    "job",
    "field metadata: notes",
    "field op tags",
)

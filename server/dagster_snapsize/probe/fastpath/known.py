"""Fingerprints of functions that may be replaced, with the first release of each.

Written by ``python tests/support/known_dagster.py --write``, which tries each on a real Dagster.
"""

from typing import Dict

# Whether a field is skipped by what its serializer made of it, and not by its value.
PACKING: Dict[str, bool] = {
    "dca5c1cc410859ce": False,  # 1.8.13
    "b10510b32b1bba2f": False,  # 1.9.8
    "d1f51ca7c00abed2": False,  # 1.9.13
    "ea44da34b85f7dc4": False,  # 1.10.21
    "7872ce3b2be9302c": True,  # 1.11.16
    "ec7fc1b86bc08b50": True,  # 1.12.22
    "a836c74ea76f902c": True,  # 1.13.5
}
JOB_IDS: Dict[str, str] = {
    "98613ff0f32b5fc2": "1.8.13",
    "3d9c18b5021e9149": "1.9.8",
    "9e15391ac269df7a": "1.10.21",
    "1d7e8dbbeb8b24d8": "1.11.16",
    "0d38b86f954a4e3b": "1.12.22",
    "10a2f7d0d6159446": "1.13.23",
}
REQUIREMENTS: Dict[str, str] = {
    "020e1250f86aadb1": "1.8.13",
    "cd95975fd1e47f9c": "1.10.21",
}

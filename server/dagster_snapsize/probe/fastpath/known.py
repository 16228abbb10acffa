"""The Dagsters whose steps shortcuts.py knows: fingerprints, and who has them first.

Made by ``python tests/support/known_dagster.py --write``, which tries each on a real Dagster.
"""

from typing import Dict

# Whether a field is left out is asked of what its own serializer made of it.
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
SIGNATURES: Dict[str, str] = {
    "63daba42c896ed72": "1.8.13",
    "a9f1e7aee47d936f": "1.10.21",
    "3e4f255423aa6638": "1.13.5",
    "f89092ef47cbbde1": "1.13.23",
    "0b0d3e17d6b3ee49": "1.13.28",
}
TYPES: Dict[str, str] = {
    "67fbcb1d23c47ac1": "1.8.13",
    "62c3d9fcdbb32f10": "1.10.21",
    "a472a691e649f5ce": "1.11.16",
}
REQUIREMENTS: Dict[str, str] = {
    "020e1250f86aadb1": "1.8.13",
    "cd95975fd1e47f9c": "1.10.21",
}

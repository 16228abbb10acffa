"""Run as a program, writes a project's snapshots, as a whole or as its parts would have them.

    python split_project.py FOLDER KEYS

KEYS is a JSON file: a list of lists of asset keys, one for each part. FOLDER gets a folder for each
part, by its number, or one called ``whole`` where there are none. The jobs of a part select those
assets that it has.
"""

import json
import sys
from pathlib import Path

import dagster as dg

sys.path.insert(0, str(Path(__file__).parents[1]))  # as a program

from support.savings_project import write

LAYERS, EACH = 4, 12


class Warehouse(dg.ConfigurableResource):
    host: str = "somewhere"


def assets() -> dict[str, dg.AssetsDefinition]:
    """All assets by key; layers are linked by few edges, and the last asset is two of one op."""
    found: dict[str, dg.AssetsDefinition] = {}
    for number in range(LAYERS * EACH):
        layer, place = divmod(number, EACH)
        deps = [f"layer_{layer}/table_{number - 1}"] if place % 3 else []
        if layer and place < 2:
            deps.append(f"layer_{layer - 1}/table_{number - EACH}")
        keys = [dg.AssetKey(dep.split("/")) for dep in deps]

        @dg.asset(
            name=f"table_{number}",
            key_prefix=f"layer_{layer}",
            group_name=f"group_{number % 5}",
            description=f"Table {number}. " * (1 + number % 7),
            deps=keys,
            partitions_def=dg.DailyPartitionsDefinition("2024-01-01") if number % 4 == 0 else None,
            check_specs=[dg.AssetCheckSpec("ok", asset=["layer_0", "table_7"])]
            if number == 7
            else [],
        )
        def table(warehouse: Warehouse):
            pass

        found[f"layer_{layer}/table_{number}"] = table

    @dg.multi_asset(
        specs=[dg.AssetSpec(["layer_3", "one"]), dg.AssetSpec(["layer_0", "two"])],
    )
    def several():
        pass

    found["layer_3/one"] = found["layer_0/two"] = several
    return found


def definitions(keys: list[str]) -> dg.Definitions:
    """The project as far as it has these assets."""
    every = assets()
    jobs = []
    for step in (2, 3):
        selected = [key for key in keys if len(key) % step == 0]
        if selected:
            selection = dg.AssetSelection.assets(*(dg.AssetKey(key.split("/")) for key in selected))
            jobs.append(dg.define_asset_job(f"every_{step}", selection))
    return dg.Definitions(
        assets=list({id(every[key]): every[key] for key in keys}.values()),
        jobs=jobs,
        resources={"warehouse": Warehouse()},
    )


if __name__ == "__main__":
    folder, parts = Path(sys.argv[1]), json.loads(Path(sys.argv[2]).read_text(encoding="utf-8"))
    if not parts:
        write(folder / "whole", definitions(list(assets())))
    for number, keys in enumerate(parts):
        write(folder / str(number), definitions(keys))

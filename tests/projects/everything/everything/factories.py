"""Assets that share a line: made in loops, by factories, and changed after they were made."""

import dagster as dg

from everything.versions import has, supported


def table(name, upstream=()):
    @dg.asset(name=name, key_prefix=["factory", "tables"], deps=list(upstream), group_name="loop")
    def build(context):
        """One table of many."""

    return build


def checked(asset):
    """A factory of checks."""

    @dg.asset_check(asset=asset, name="has_rows", blocking=True)
    def check():
        return dg.AssetCheckResult(passed=True)

    return check


TABLES = [table(f"table_{n}") for n in range(5)]
TABLES.append(table("all_tables", [made.key for made in TABLES]))
CHECKS = [checked(made) for made in TABLES[:3]]

SPECS = [dg.AssetSpec(["factory", "specs", f"spec_{n}"]) for n in range(3)]


@dg.asset
def changed_later():
    """Renamed and grouped after it was made."""


_new_key = {changed_later.key: dg.AssetKey(["changed", "later"])}
CHANGED = changed_later.with_attributes(
    **supported(
        changed_later.with_attributes,
        asset_key_replacements=_new_key,
        output_asset_key_replacements=_new_key,
        group_names_by_key={changed_later.key: "changed"},
    )
)


@dg.asset
def mapped():
    """Given a tag by map_asset_specs where that exists."""


if has("map_asset_specs") and hasattr(dg.AssetSpec, "merge_attributes"):
    MAPPED = dg.map_asset_specs(
        lambda spec: spec.merge_attributes(tags={"mapped": "yes"}), [mapped]
    )
else:
    MAPPED = [mapped]

ASSETS = [*TABLES, *SPECS, CHANGED, *MAPPED]

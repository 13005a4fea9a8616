"""The items of a report: a frozen class per kind, with its options and what it needs of a study.

A kind is a class in `kinds` and a module of its name in `ablate.report.exhibits`; nothing else
lists it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BeforeValidator, PlainSerializer

from ablate.study.items.base import Item, OfPart, OfQuantity, OfSettings
from ablate.study.items.examples import ChangedExamples
from ablate.study.items.kinds import (
    ITEMS,
    ComparedToBase,
    ContactSheet,
    EffectAgainstCost,
    Effects,
    Ladder,
    Published,
    StoppingPoints,
    Table,
    VarianceShares,
)
from ablate.study.items.probed import Distribution, InputPixels

if TYPE_CHECKING:
    from ablate.study.plan import Cell
    from ablate.study.schema import Study


__all__ = [
    "ITEMS", "ChangedExamples", "ComparedToBase", "ContactSheet", "Distribution",
    "EffectAgainstCost", "Effects", "InputPixels", "Item", "Ladder", "OfPart", "OfQuantity",
    "OfSettings", "Published", "ReportItem", "StoppingPoints", "Table", "VarianceShares",
    "refused_items",
]  # fmt: skip


def refused_items(study: Study, cells: Sequence[Cell]) -> Iterator[tuple[Item, str]]:
    """Yield the items of the report that these cells cannot give, each with words on why.

    They follow the item's name. Controls are no cells of a report.
    """
    for item in study.report:
        for part in item.parts(study) or (None,):
            alone, inside, where = study, cells, ""
            if part is not None:
                alone, where = study.part(part), part.where
                inside = [cell for cell in cells if set(part.factors) <= cell.levels.keys()]
            if refused := item.refusal(alone, inside):
                yield item, f"{refused}{where}"


def _from_lock(value: Any) -> Any:
    """Return the item that a lock file tells of; what it says of options long gone is left out."""
    if isinstance(value, Item):
        return value
    item = ITEMS[value["kind"]]
    return item(**{k: v for k, v in value["options"].items() if k in item.model_fields})


def _to_lock(item: Item) -> dict[str, Any]:
    return {"kind": item.kind, "options": item.model_dump(mode="json", exclude_unset=True)}


#: An item as a study holds it, and as its lock file does: kind and options.
ReportItem = Annotated[Item, BeforeValidator(_from_lock), PlainSerializer(_to_lock)]

"""What later declarations of a study changed: each such change is one more look at its runs.

Declarations are compared as the lock file has them, so that one of an older version, whatever it
lacks, is read all the same.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Any

from ablate.config.key import flat
from ablate.study.items import ITEMS
from ablate.study.names import level_name

#: A declaration as a lock file has it: study, cells, and when.
Entry = Mapping[str, Any]

#: Of a study: words, what is shown first, and what is compared by a rule of its own below. The
#: baseline is what it makes of the cells.
_APART = frozenset({
    "name", "question", "source", "caveats", "quick", "is_quick", "full", "command", "headline",
    "control", "baseline", "factors", "parts", "metric", "tune", "claims", "report",
})  # fmt: skip


@dataclass(frozen=True)
class Deviation:
    """A declaration after the first run that asked something else of the data.

    date  in UTC; None in lock files that did not keep it yet
    what  each change in words: `smallest_effect: 0.5 to 1`, `claim he-for-relu added`
    """

    date: date | None
    what: tuple[str, ...]


def since_first_run(entries: Sequence[Entry]) -> Sequence[Entry]:
    """Return the declarations from the last before any run ended on."""
    start = 0
    while start + 1 < len(entries) and entries[start + 1].get("before_first_run"):
        start += 1
    return entries[start:]


def deviations(entries: Sequence[Entry]) -> tuple[Deviation, ...]:
    """Return the declarations whose scientific content differs from that of the one before.

    entries  from the first on that runs were trained for
    """
    found = (
        Deviation(now.get("declared"), tuple(changes(before, now)))
        for before, now in pairwise(entries)
    )
    return tuple(one for one in found if one.what)


def exploratory_claims(first: Entry, now: Entry) -> tuple[str, ...]:
    """Return the claims whose rule the first declaration did not have, by name."""
    rules = [_rule(claim) for claim in _claims(first).values()]
    return tuple(name for name, claim in _claims(now).items() if _rule(claim) not in rules)


def exploratory_items(first: Entry, now: Entry) -> tuple[bool, ...]:
    """Tell of each report item whether it carries tests and the first declaration lacked it."""
    before = _tested(first)
    return tuple(_carries_tests(item) and item not in before for item in _report(now))


def changes(before: Entry, now: Entry) -> Iterator[str]:
    """Yield what a declaration asks otherwise than another, in words; nothing for words alone."""
    old, new = before["study"], now["study"]
    fields = (name for name in {**old, **new} if name not in _APART)
    found = [
        *_fields(old, new, fields),
        *_fields(old.get("metric") or {}, new.get("metric") or {}, prefix="metric."),
        *_tuning(old.get("tune") or {}, new.get("tune") or {}),
        *_factors(old, new),
        *_parts(old, new),
    ]
    yield from found
    yield from _cells(before, now, explained=bool(found))
    yield from _changed_claims(_claims(before), _claims(now))
    yield from _changed_items(_tested(before), _tested(now))


def _fields(
    old: Mapping[str, Any],
    new: Mapping[str, Any],
    names: Iterator[str] | None = None,
    prefix: str = "",
) -> Iterator[str]:
    """Yield `name: old to new` per field that differs; what is empty and what is absent are one."""
    for name in names or {**old, **new}:
        then, asked = old.get(name), new.get(name)
        if _plain(then) != _plain(asked):
            yield f"{prefix}{name}: {_said(then)} to {_said(asked)}"


def _tuning(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    if not old or not new:
        yield from _fields({"tune": old.get("key")}, {"tune": new.get("key")})
        return
    other = bool(old.get("nested")) != bool(new.get("nested"))
    # Either has no use for the other's number of replicates.
    names = (name for name in {**old, **new} if not (other and name == "replicates"))
    yield from _fields(old, new, names, "tune.")


def _factors(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    then, asked = ({f["name"]: f for f in study.get("factors", ())} for study in (old, new))
    yield from _added_and_removed("factor", then, asked)
    for name in (one for one in asked if one in then):
        old_levels, new_levels = ([*one[name]["levels"]] for one in (then, asked))
        before, after = ([_plain(lv["overrides"]) for lv in of] for of in (old_levels, new_levels))
        more = [lv["name"] for lv in new_levels if _plain(lv["overrides"]) not in before]
        less = [lv["name"] for lv in old_levels if _plain(lv["overrides"]) not in after]
        yield from (f"factor {name}: level {n} changed" for n in more if n in less)
        yield from (f"factor {name}: level {n} added" for n in more if n not in less)
        yield from (f"factor {name}: level {n} removed" for n in less if n not in more)
        if not more and not less and before != after:
            yield f"factor {name}: levels in another order"
        yield from _fields(then[name], asked[name], iter(["when"]), f"factor {name}: ")


def _parts(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    then, asked = ({p["name"]: p for p in study.get("parts", ())} for study in (old, new))
    yield from _added_and_removed("part", then, asked)
    for name in (one for one in asked if one in then):
        yield from _fields(then[name], asked[name], prefix=f"part {name}: ")


def _cells(before: Entry, now: Entry, explained: bool) -> Iterator[str]:
    """Yield settings that cells of the same levels have otherwise, and how many cells come and go.

    explained  whether other words say already why cells came or went
    """
    then, asked = (
        {
            frozenset(cell["levels"].items()): cell
            for cell in entry["cells"]
            if not cell["config"].get("control")
        }
        for entry in (before, now)
    )
    both = [levels for levels in asked if levels in then]
    counts: dict[str, int] = {}
    for levels in both:
        a, b = then[levels], asked[levels]
        if a["key"] != b["key"]:
            for said in _fields(flat(a["config"]), flat(b["config"])):
                counts[said] = counts.get(said, 0) + 1
    for said, count in counts.items():
        yield said if count == len(both) else f"{said} in {count} of {len(both)} cells"
    if not both:  # every cell is another, so what they have in common is told
        old, new = (flat(entry["study"].get("baseline") or {}) for entry in (before, now))
        yield from _fields(old, new)
    if not explained and then.keys() != asked.keys():
        more, less = len(asked.keys() - then.keys()), len(then.keys() - asked.keys())
        yield f"cells: {more} added, {less} removed"


def _changed_claims(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    then, asked = ({n: _rule(claim) for n, claim in of.items()} for of in (old, new))
    renamed = {n: rule for n, rule in asked.items() if n not in then and rule in then.values()}
    for name, rule in asked.items():
        if name in then:
            yield from _fields(then[name], rule, prefix=f"claim {name}: ")
        elif name not in renamed:
            yield f"claim {name} added"
    kept = list(renamed.values())
    for name, rule in then.items():
        if name not in asked and rule not in kept:
            yield f"claim {name} removed"


def _changed_items(old: Sequence[Any], new: Sequence[Any]) -> Iterator[str]:
    more = dict.fromkeys(item["kind"] for item in new if item not in old)
    less = dict.fromkeys(item["kind"] for item in old if item not in new)
    yield from (f"report: {kind} {'changed' if kind in less else 'added'}" for kind in more)
    yield from (f"report: {kind} removed" for kind in less if kind not in more)


def _added_and_removed(what: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    yield from (f"{what} {name} added" for name in new if name not in old)
    yield from (f"{what} {name} removed" for name in old if name not in new)


def _claims(entry: Entry) -> dict[str, Mapping[str, Any]]:
    return {claim["name"]: claim for claim in entry["study"].get("claims", ())}


def _rule(claim: Mapping[str, Any]) -> dict[str, Any]:
    """Return what decides a claim: all but its name, its words and whose statement it is."""
    words = ("name", "text", "statement")
    return {n: v for n, v in claim.items() if n not in words and v is not None}


def _report(entry: Entry) -> Sequence[Any]:
    return list(entry["study"].get("report", ()))


def _tested(entry: Entry) -> list[Any]:
    return [item for item in _report(entry) if _carries_tests(item)]


def _carries_tests(item: Mapping[str, Any]) -> bool:
    kind = ITEMS.get(item["kind"])
    # A table of the first factors stands on every page, asked for or not.
    return kind is not None and kind.carries_tests and item != {"kind": "table", "options": {}}


def _plain(value: Any) -> Any:
    """Return a value to compare: nothing said, false and empty are one."""
    if value is None or value is False or value in ("", [], {}):
        return None
    return json.dumps(value, sort_keys=True, default=str)


def _said(value: Any) -> str:
    if _plain(value) is None:
        return "no" if value is False else "none"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name}: {_said(one)}" for name, one in value.items()) + "}"
    if isinstance(value, list | tuple):
        return ", ".join(map(_said, value))
    return "yes" if value is True else level_name(value)

"""Writes `study-file.md` and `study.schema.json` beside it: run it as `make docs`.

Both come from the types that read a study file, and every example from a study that is compiled
in the tests: those of `docs/examples/`, then those that ship in `conf/study/`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from ablate.config.compose import package_conf
from ablate.config.groups import read_groups
from ablate.config.target import options_of
from ablate.study.claim_file import ClaimFile
from ablate.study.claims import Claim, Statement
from ablate.study.file import TuneSettings
from ablate.study.items import ITEMS
from ablate.study.json_schema import study_schema
from ablate.study.looks import LooksFile
from ablate.study.reader import read_study

DOCS = Path(__file__).parent
_INTRO = """\
# The study file

<!-- Written by `make docs` from the types that read a study file; change those. -->

A study is one YAML file: `conf/study/NAME.yaml`, or any file that `study=PATH.yaml` names. Here is
every key, every option of every report item and every form of claim, each with an example from a
study that the tests compile ([docs/examples/](examples/), [conf/study/](../conf/study/)).
`ablate new NAME` writes a commented file to start from; its first line tells an editor with a YAML
language server where the schema is (`ablate schema` prints it), so that it completes and checks.
Config keys (`model.depth`, `optimizer.lr`, ...) are those of the command line:
`ablate run --cfg job` lists them.
"""


def schema() -> dict[str, Any]:
    """Return the schema of a study file, with the groups that ship."""
    schema: dict[str, Any] = study_schema(read_groups([package_conf()]))
    return schema


@cache
def studies() -> dict[str, Any]:
    """Return every study with examples, as written, by its place in the repository."""
    root = DOCS.parent
    paths = [*sorted(root.glob("docs/examples/*.yaml")), *sorted(root.glob("conf/study/*.yaml"))]
    return {path.relative_to(root).as_posix(): yaml.safe_load(path.read_text()) for path in paths}


def reference() -> str:
    """Return the text of `study-file.md`."""
    whole = schema()
    definitions = whole["$defs"]
    parts = [_INTRO, "## Keys\n", *_section(whole, _files())]
    parts += ["## A factor\n", *_section(definitions["FactorFile"], _factors())]
    parts += ["## Designs\n", *_designs(definitions)]
    parts += ["## A part\n", *_section(definitions["PartFile"], _parts())]
    parts += ["## A metric of your own\n", *_section(definitions["MetricFile"], _metrics())]
    parts += ["## Replicates until decided\n", *_section(LooksFile.model_json_schema(), _looks())]
    parts += ["## Tuning\n", *_section(TuneSettings.model_json_schema(), _tunings())]
    parts += ["## A claim\n", *_section(ClaimFile.model_json_schema(), _claims()), *_forms()]
    parts += ["## A statement\n", *_section(Statement.model_json_schema(), _statements())]
    parts += ["## Report items\n", *_items()]
    return "\n".join(parts).rstrip() + "\n"


def _section(model: Mapping[str, Any], examples: list[tuple[str, Any, Any]]) -> Iterator[str]:
    """Yield the description of a class, and each of its keys with an example."""
    yield f"{model['description']}\n"
    needed = model.get("required", ())
    for name, field in model["properties"].items():
        said = field.get("description", "").rstrip(".")
        default = field.get("default")
        rest = "required" if name in needed else ""
        if not rest and default not in (None, [], {}):
            rest = f"default `{_flow(default)}`"
        notes = "; ".join(filter(None, [_kind(field), rest]))
        yield f"- **`{name}`** ({notes}): {said}."
        yield _example(name, examples)


def _kind(field: Mapping[str, Any]) -> str:
    """Return in words what a key takes."""
    if "enum" in field:
        return ", ".join(f"`{value}`" for value in field["enum"])
    if "const" in field:
        return f"`{field['const']}`"
    if "anyOf" in field or "oneOf" in field:
        kinds = [_kind(one) for one in field.get("anyOf", field.get("oneOf"))]
        return " or ".join(dict.fromkeys(kind for kind in kinds if kind != "null"))
    if "$ref" in field:
        return "a mapping"
    names = {
        "string": "text", "integer": "whole number", "number": "number", "boolean": "true or false",
        "array": "list", "object": "mapping", "null": "null",
    }  # fmt: skip
    return names.get(field.get("type", ""), "any value")


def _example(name: str, examples: list[tuple[str, Any, Any]]) -> str:
    """Return the shortest example that has the key, as YAML below a list's entry."""
    having = [(shown, place) for place, node, shown in examples if name in node]
    if not having:
        raise SystemExit(f"no example has '{name}': write one into docs/examples/.")
    shown, place = min(
        ((_only(shown, name), place) for shown, place in having), key=lambda one: len(_flow(one[0]))
    )
    return f"\n  ```yaml\n{_block(shown)}\n  ```\n  <!-- {place} -->\n"


def _only(shown: Any, name: str) -> Any:
    """Return a whole example, or of a study's keys the one that is shown."""
    return {name: shown[name]} if isinstance(shown, dict) and "question" in shown else shown


def _files() -> list[tuple[str, Any, Any]]:
    return [(place, study, study) for place, study in studies().items()]


def _all_parts() -> Iterator[tuple[str, Mapping[str, Any]]]:
    for place, study in studies().items():
        yield from ((place, part) for part in (study, *study.get("parts", ())))


def _factors() -> list[tuple[str, Any, Any]]:
    return [
        (place, factor, {"factors": {name: factor}})
        for place, part in _all_parts()
        for name, factor in (part.get("factors") or {}).items()
        if isinstance(factor, dict)
    ]


def _parts() -> list[tuple[str, Any, Any]]:
    listed = ((p, part) for p, study in studies().items() for part in study.get("parts", ()))
    return [(place, part, {"parts": [part]}) for place, part in listed] + [
        (place, part, {key: part[key] for key in ("factors", "exclude") if key in part})
        for place, part in _all_parts()
        if "exclude" in part
    ]


def _metrics() -> list[tuple[str, Any, Any]]:
    metrics = ((place, study.get("metric")) for place, study in studies().items())
    return [(place, m, {"metric": m}) for place, m in metrics if isinstance(m, dict)]


def _looks() -> list[tuple[str, Any, Any]]:
    declared = ((place, study["replicates"]) for place, study in studies().items())
    return [(p, looks, {"replicates": looks}) for p, looks in declared if isinstance(looks, dict)]


def _tunings() -> list[tuple[str, Any, Any]]:
    tuned = ((place, study["tune"]) for place, study in studies().items() if study.get("tune"))
    return [(place, tune.get("with", {}), {"tune": tune}) for place, tune in tuned]


def _statements() -> list[tuple[str, Any, Any]]:
    return [
        (place, claim["statement"], shown)
        for place, claim, shown in _claims()
        if "statement" in claim
    ]


def _claims() -> list[tuple[str, Any, Any]]:
    return [
        (place, claim, {"claims": {name: claim}})
        for place, study in studies().items()
        for name, claim in (study.get("claims") or {}).items()
    ]


def _designs(definitions: Mapping[str, Any]) -> Iterator[str]:
    """Yield each design with an example, and the options of those that have some."""
    designs = [
        (place, part, part.get("design", "grid"))
        for place, part in _all_parts()
        if "parts" not in part
    ]
    for name in ("Combined", "Added", "Drawn"):
        model = definitions[name]
        kinds = model["properties"]["kind"]
        for kind in kinds.get("enum", [kinds.get("const")]):
            place, part = next(
                (place, part)
                for place, part, design in designs
                if kind == (design if isinstance(design, str) else design["kind"])
            )
            keys = ("design", "factors", "components", "exclude")
            shown = {key: part[key] for key in keys if key in part}
            yield f"- **`{kind}`**: {model['description']}"
            for option, field in model["properties"].items():
                if option != "kind":
                    yield f"  `{option}` ({_kind(field)}): {field.get('description', '')}."
            yield f"\n  ```yaml\n{_block(shown)}\n  ```\n  <!-- {place} -->\n"


def _forms() -> Iterator[str]:
    """Yield every form of claim with the shortest example there is."""
    yield "### Forms of claim\n"
    found: dict[str, list[tuple[str, Any, Any]]] = {}
    for place in studies():
        groups = read_groups([package_conf()])
        read = {claim.name: claim for claim in read_study(DOCS.parent / place, groups).claims}
        for where, content, shown in _claims():
            if where == place:
                form = type(read[next(iter(shown["claims"]))])
                found.setdefault(form.__name__, []).append((where, content, shown))
    for form in options_of(Claim):
        place, _, shown = min(found[form.__name__], key=lambda one: len(_flow(one[2])))
        said = " ".join((form.__doc__ or "").split("\n\n")[0].split()).rstrip(".")
        yield f"- **{form.__name__.lower()}**: {said}."
        yield f"\n  ```yaml\n{_block(shown)}\n  ```\n  <!-- {place} -->\n"


def _items() -> Iterator[str]:
    """Yield every kind of report item with its options, and examples that use them all."""
    used: dict[str, list[tuple[str, Mapping[str, Any]]]] = {}
    for place, study in studies().items():
        for item in study["report"]:
            kind, options = (item, {}) if isinstance(item, str) else next(iter(item.items()))
            used.setdefault(kind, []).append((place, options))
    for kind, item in ITEMS.items():
        model = item.model_json_schema()
        yield f"### `{kind}`\n\n{model['description']}\n"
        options = model["properties"]
        for name, field in options.items():
            said = field.get("description") or "a factor"
            yield f"- `{name}` ({_kind(field)}): {said.rstrip('.')}."
        yield ""
        left, shown = set(options) - {"part", "only"}, []
        for place, given in sorted(used[kind], key=lambda one: -len(one[1])):
            if left & set(given) or not shown:
                left -= set(given)
                shown.append((place, {kind: dict(given)} if given else kind))
        if left:
            raise SystemExit(f"no example of {kind} has '{min(left)}': write one.")
        for place, example in shown:
            yield f"```yaml\n- {_flow(example)}\n```\n<!-- {place} -->"
        yield ""


def _flow(node: Any) -> str:
    text = yaml.safe_dump(node, default_flow_style=True, sort_keys=False, width=10_000)
    text = text.removesuffix("...\n").strip()
    return (
        text[1:-1] if isinstance(node, dict) and text.startswith("{") and len(node) == 1 else text
    )


def _block(node: Any) -> str:
    """Return YAML two spaces in, with what lies two levels down on one line."""
    text = yaml.safe_dump(node, default_flow_style=None, sort_keys=False, width=96).strip()
    if text.startswith("{") and "\n" not in text:
        text = text[1:-1]
    return "\n".join(f"  {line}" for line in text.rstrip().splitlines())


def main() -> None:
    """Write both files."""
    (DOCS / "study-file.md").write_text(reference(), encoding="utf-8")
    text = json.dumps(schema(), indent=1, ensure_ascii=False)
    (DOCS / "study.schema.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

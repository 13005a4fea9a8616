"""From a plain mapping to a validated `RunConfig`, with errors as plain sentences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from ablate.config.run import RunConfig
from ablate.config.target import OPTION, TARGET, options_of
from ablate.errors import ConfigError, nearest, one_of

Model = TypeVar("Model", bound=BaseModel)

#: Groups whose options are told apart by `name`.
_UNIONS = frozenset(
    name for name, field in RunConfig.model_fields.items() if len(options_of(field.annotation)) > 1
)

#: What pydantic calls the members of a plain union.
_TYPES = ("tuple[", "list[", "dict[", "literal[", "function-")

_RULES = {
    "greater_than": "greater than {gt}",
    "greater_than_equal": "at least {ge}",
    "less_than": "less than {lt}",
    "less_than_equal": "at most {le}",
}


def run_config(values: Mapping[str, Any], where: str = "") -> RunConfig:
    """Validate one cell; keys that belong to the study or the launcher are left out.

    Raises ConfigError with one sentence per cell: the key, the value and what is allowed.
    """
    fields = {key: values[key] for key in RunConfig.model_fields if key in values}
    return validated(RunConfig, fields, where)


def validated(
    model: type[Model], values: Mapping[str, Any], where: str = "", prefix: str = ""
) -> Model:
    """Return `model` made from `values`; raises ConfigError for the first thing wrong."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        sentence = _sentence(model, error, prefix)
        raise ConfigError(f"{where}: {sentence}" if where else sentence) from None


def _sentence(model: type[BaseModel], error: ValidationError, prefix: str) -> str:
    found = error.errors(include_url=False)
    # A word that nobody knows is likelier the slip than one that is missing.
    problem = next((one for one in found if one["type"] == "extra_forbidden"), found[0])
    kind, context, value = problem["type"], problem.get("ctx", {}), problem["input"]
    # A union puts the chosen member's tag behind the group: ("model", "mlp", "dropout").
    location = _as_written([str(part) for part in problem["loc"]])
    parts = _without_tags(model, location)
    key = prefix + ".".join(parts)
    if kind == "value_error":
        return f"{context['error']}."
    if kind == "extra_forbidden":
        siblings = _siblings(model, location[:-1])
        owner = f"{location[0]} '{location[1]}'" if len(location) > 2 else ".".join(location[:-1])
        return (
            f"unknown key '{key}'; {f'{owner} has' if owner else 'allowed are'} {one_of(siblings)}."
            f"{nearest(location[-1], siblings)}"
            if siblings
            else f"unknown key '{key}'; {owner or 'it'} has no keys."
        )
    if kind == "missing":
        return f"'{key}' is missing."
    if kind.startswith("union_tag"):
        value = value.get("name", value.get("kind")) if isinstance(value, Mapping) else value
    # The members of a plain union each say what they would have taken: number or list.
    same_key = [
        e
        for e in error.errors()
        if _without_tags(model, _as_written([*map(str, e["loc"])])) == parts
    ]
    allowed = " or ".join(dict.fromkeys(_allowed(e["type"], e.get("ctx", {})) for e in same_key))
    return f"{key}={_shown(value)} is not allowed: it must be {allowed}."


def _allowed(kind: str, context: Mapping[str, Any]) -> str:
    if kind in _RULES:
        return _RULES[kind].format(**{k: f"{v:g}" for k, v in context.items()})
    if kind in ("literal_error", "union_tag_invalid"):
        expected = context.get("expected") or context["expected_tags"]
        return str(expected).replace("'", "")
    names = {
        "float_type": "a number", "int_type": "a whole number", "bool_type": "true or false",
        "string_type": "a text", "tuple_type": "a list", "list_type": "a list",
        "finite_number": "a finite number",
        "int_from_float": "a whole number", "none_required": "null",
        "too_short": "a list of at least {min_length}",
        "model_type": "a mapping of keys", "model_attributes_type": "a mapping of keys",
        "union_tag_not_found": "a mapping with a name", "mapping_type": "a mapping of keys",
        "dict_type": "a mapping of keys",
        "dotted_path": "a dotted path such as mylab.nets.Net",
        "keyword": "the name of a keyword argument",
        "plain_value": "a number, a text, true, false, null, or a list or mapping of these",
    }  # fmt: skip
    return names.get(kind, kind.replace("_", " ")).format(**context)


def _as_written(location: list[str]) -> list[str]:
    """Return the location in the words of the user: `model._target_`, `model.width`."""
    if len(location) > 1 and location[1] == OPTION:
        return [location[0], *location[2:]]
    if len(location) > 1 and location[1] == TARGET:
        location = [location[0], *location[2:]]
        if location[0] in _UNIONS:
            location.insert(1, TARGET)  # where options of this package have their name
    fields = {"target": [TARGET], "arguments": [], "[key]": []}
    return [word for part in location for word in fields.get(part, [part])]


def _without_tags(model: type[BaseModel], location: list[str]) -> list[str]:
    """Drop the tags of unions from a location; leave everything else as it is."""
    if not location:
        return []
    first, rest = location[0], location[1:]
    if first in _UNIONS and rest[:1] == [TARGET]:
        rest = rest[1:]
    member, rest = _member(model, first, rest)
    # Members of a plain union ("int", "tuple[...]") say nothing that a user wrote.
    kept = [] if first in ("int", "float") or first.startswith(_TYPES) else [first]
    return kept + _without_tags(member, rest)


def _member(
    model: type[BaseModel], field: str, path: list[str]
) -> tuple[type[BaseModel], list[str]]:
    """Return the class that `path` below a field is in, and the path without its tag."""
    if field not in model.model_fields:  # a name or a place that the user gave
        return model, path
    members = options_of(model.model_fields[field].annotation)
    for member in members:
        tag = member.model_fields.get("name") or member.model_fields.get("kind")
        if tag and path and path[0] in get_args(tag.annotation):
            return member, path[1:]
    return (members[0] if members else model), path


def _siblings(model: type[BaseModel], path: list[str]) -> list[str]:
    """Return the keys allowed at `path`, in which an option of a group goes by its name."""
    if not path:
        return sorted(set(model.model_fields) - {"name", "kind", "target", "arguments"})
    return _siblings(*_member(model, path[0], path[1:]))


def _shown(value: Any) -> str:
    """Return the value as YAML has it, texts in quotes."""
    if value is None or isinstance(value, bool):
        return "null" if value is None else str(value).lower()
    return f"'{value}'" if isinstance(value, str) else str(value)

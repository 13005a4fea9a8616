"""From a plain mapping to a validated `RunConfig`, with errors as plain sentences."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from ablate.config.run import RunConfig
from ablate.config.target import OPTION, OUTPUT, TARGET, options_of
from ablate.errors import ConfigError, nearest, one_of

Model = TypeVar("Model", bound=BaseModel)

#: What pydantic calls the members of a plain union.
_NUMBERS = ("bool", "int", "float", "constrained-float")
_TYPES = ("tuple[", "list[", "dict[", "literal[", "function-")

#: Fields that no user writes: how options are told apart, and what is written in another form.
_NO_KEYS = {"name", "kind", "target", "arguments"}

#: Letters of a value that a sentence shows.
_LONGEST = 200

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
    first = found[0]
    if isinstance(first["input"], list | tuple):  # no number, but a list with something wrong in it
        first = next((one for one in found if isinstance(one["loc"][-1], int)), first)
    problem = next((one for one in found if one["type"] == "extra_forbidden"), first)
    kind, context, value = problem["type"], problem.get("ctx", {}), problem["input"]
    location = _as_written(problem["loc"])
    parts, _ = _found_at(model, location)
    key = prefix + ".".join(parts)
    if kind == "value_error":
        return f"{context['error']}."
    if kind == "extra_forbidden":
        *place, word = location
        allowed = sorted({*_found_at(model, place)[1].model_fields} - _NO_KEYS)
        owner = f"{place[0]} '{place[1]}'" if len(place) > 1 else ".".join(place)
        if not allowed:
            return f"unknown key '{key}'; {owner or 'it'} has no keys."
        said = f"unknown key '{key}'; {f'{owner} has' if owner else 'allowed are'}"
        return f"{said} {one_of(allowed)}.{nearest(word, allowed)}"
    if kind == "missing":
        return f"'{key}' is missing."
    if kind.startswith("union_tag"):
        value = value.get("name", value.get("kind")) if isinstance(value, Mapping) else value
    # The members of a plain union each say what they would have taken: number or list.
    taken = dict.fromkeys(
        _allowed(one["type"], one.get("ctx", {}))
        for one in found
        if _found_at(model, _as_written(one["loc"]))[0] == parts
    )
    return f"{key}={shown(value)} is not allowed: it must be {' or '.join(taken)}."


def _allowed(kind: str, context: Mapping[str, Any]) -> str:
    if kind in _RULES:
        return _RULES[kind].format(**{k: f"{v}".removesuffix(".0") for k, v in context.items()})
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
        "part_name": "the name or the number of what the model returns, or null",
        "plain_value": "a number, a text, true, false, null, or a list or mapping of these",
    }  # fmt: skip
    return names.get(kind, kind.replace("_", " ")).format(**context)


def _as_written(location: Sequence[str | int]) -> list[str]:
    """Return a location in the words of the user: `model._target_`, `model.width`."""
    words = [str(part) for part in location]
    # A group that may be the user's own has behind its name which of the two it was taken for.
    taken_for = words.pop(1) if words[1:2] in ([OPTION], [TARGET]) else None
    fields = {"target": [TARGET], "arguments": [], "[key]": []} if taken_for != OPTION else {}
    if taken_for == TARGET and "arguments" not in words:
        fields["output"] = [OUTPUT]
    return [word for part in words for word in fields.get(part, [part])]


def _found_at(model: type[BaseModel], location: Sequence[str]) -> tuple[list[str], type[BaseModel]]:
    """Return a location without the tags of unions, and the class in which it ends.

    A union puts the chosen member's tag behind the group: `("model", "mlp", "dropout")`.
    """
    parts = []
    while location:
        first, *location = location
        # Members of a plain union ("int", "tuple[...]") say nothing that a user wrote.
        if first not in _NUMBERS and not first.startswith(_TYPES):
            parts.append(first)
        if first in model.model_fields:  # else a name or a place that the user gave
            members = options_of(model.model_fields[first].annotation)
            tagged = [member for member in members if location and location[0] in _tags(member)]
            if tagged:
                model, location = tagged[0], location[1:]
            elif members:
                model = members[0]
    return parts, model


def _tags(option: type[BaseModel]) -> tuple[Any, ...]:
    tag = option.model_fields.get("name") or option.model_fields.get("kind")
    return get_args(tag.annotation) if tag else ()


def shown(value: Any) -> str:
    """Return a value as YAML has it, texts in quotes, and no more of it than a line takes."""
    plain = value is None or isinstance(value, bool)
    text = json.dumps(value) if plain else f"'{value}'" if isinstance(value, str) else str(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"

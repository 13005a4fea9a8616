"""A user's own code in a config: a dotted path and the keyword arguments it is called with."""

import math
import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any, TypeVar, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    Discriminator,
    Field,
    SerializerFunctionWrapHandler,
    Tag,
    model_serializer,
    model_validator,
)
from pydantic_core import PydanticCustomError

from ablate.config.base import LARGEST, Frozen, Option

#: The groups that may be the user's own.
TARGET_GROUPS = ("data", "model", "optimizer", "loss", "augment", "task", "trainer")
TARGET, COMMAND, OPTION = "_target_", "command", "option"
#: Of what a model returns, which is its output: no argument, which would be the user's own.
OUTPUT = "_output_"

_DOTTED = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)+")


def is_user_code(group: str, value: Any) -> bool:
    """Tell whether `group: value` names a user's own code: `{_target_: mylab.nets.Net}`."""
    if group not in TARGET_GROUPS or not isinstance(value, Mapping):
        return False
    return TARGET in value or (group == "trainer" and COMMAND in value)


def _only(kind: str, is_allowed: Callable[[Any], object]) -> AfterValidator:
    """Return a check of a value; what is not allowed is an error of this kind, see `validate`."""

    def check(value: Any) -> Any:
        if not is_allowed(value):
            raise PydanticCustomError(kind, "not allowed")
        return value

    return AfterValidator(check)


def _is_keyword(value: str) -> bool:
    # Hydra's `_partial_`, `_args_` and their like are refused here too.
    return value.isidentifier() and not value.startswith("_")


def _is_plain(value: Any) -> bool:
    match value:
        case None | bool() | str():
            return True
        case int():
            return abs(value) <= LARGEST
        case float():
            return math.isfinite(value)
        case list() | tuple():
            return all(_is_plain(item) for item in value)
        case Mapping():
            # A target within a target would arrive as a mapping, which nobody means.
            return TARGET not in value and all(
                isinstance(key, str) and _is_plain(item) for key, item in value.items()
            )
        case _:
            return False


Dotted = Annotated[str, _only("dotted_path", _DOTTED.fullmatch)]
Arguments = Mapping[
    Annotated[str, _only("keyword", _is_keyword)], Annotated[Any, _only("plain_value", _is_plain)]
]


def gathered(value: Any, fields_of_ours: set[str]) -> Any:
    """Return `{_target_: f, width: 64}` as the fields `target` and `arguments`.

    fields_of_ours  keys that are for this package and no arguments
    """
    if not isinstance(value, Mapping) or not (TARGET in value or COMMAND in value):
        return value
    fields = {key: item for key, item in value.items() if key in fields_of_ours}
    rest = {key: item for key, item in value.items() if key not in fields_of_ours}
    if TARGET in rest:
        fields["target"] = rest.pop(TARGET)
    return {**fields, "arguments": rest}


def flattened(fields: dict[str, Any]) -> dict[str, Any]:
    """Undo `gathered`: return dumped fields in the form in which they were written."""
    target, arguments = fields.get("target"), fields.get("arguments", {})
    ours = {key: item for key, item in fields.items() if key not in ("target", "arguments")}
    return {**({} if target is None else {TARGET: target}), **arguments, **ours}


class Target(Frozen):
    """A function or class of the user's own, `{_target_: mylab.nets.Net, width: 64}`."""

    target: Dotted
    """Dotted path, importable from the working directory or the study's folder."""
    arguments: Arguments = Field(default_factory=dict)
    """Keyword arguments: numbers, texts, true, false, null, lists and mappings of these."""

    def __hash__(self) -> int:
        return hash(self.target)

    @property
    def name(self) -> str:
        """What stands where an option of this package's has its name; it has a dot."""
        return self.target

    @model_validator(mode="before")
    @classmethod
    def _gathered(cls, value: Any) -> Any:
        return gathered(value, set(cls.model_fields) - {"target", "arguments"})

    @model_serializer(mode="wrap")
    def _flattened(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return flattened(handler(self))


def _names_a_part(value: Any) -> bool:
    number = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    return value is None or number or (isinstance(value, str) and value != "")


class ModelTarget(Target):
    """A module of the user's own, and what of that which it returns is its output."""

    output: Annotated[Any, _only("part_name", _names_a_part)] = None
    """Name in a mapping, or number in a tuple, of the outputs; null: it returns them alone."""

    __hash__ = Target.__hash__

    @model_validator(mode="before")
    @classmethod
    def _gathered(cls, value: Any) -> Any:
        if not isinstance(value, Mapping) or TARGET not in value:
            return value
        rest = {key: item for key, item in value.items() if key != OUTPUT}
        return {**gathered(rest, set()), "output": value.get(OUTPUT)}

    @model_serializer(mode="wrap")
    def _flattened(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        fields: dict[str, Any] = handler(self)
        output = fields.pop("output", None)
        return {**flattened(fields), **({} if output is None else {OUTPUT: output})}


def options_of(annotation: Any) -> list[type[BaseModel]]:
    """Return the classes among which a field chooses by name, the user's own left out."""
    if isinstance(annotation, type):
        of_ours = issubclass(annotation, BaseModel) and not issubclass(annotation, Target)
        return [annotation] if of_ours else []
    return [option for part in get_args(annotation) for option in options_of(part)]


def _kind(value: Any) -> str:
    is_target = isinstance(value, Target) or (isinstance(value, Mapping) and TARGET in value)
    return TARGET if is_target else OPTION


Own = TypeVar("Own", bound=Target)
#: An option of this package's, chosen by name, or the user's own.
Either = Annotated[
    Annotated[Option, Tag(OPTION)] | Annotated[Own, Tag(TARGET)], Discriminator(_kind)
]

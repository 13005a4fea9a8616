"""The base of every config class, and the number types they share.

Modules of config classes do not postpone annotations: pydantic would have to evaluate each text.
"""

import ast
import inspect
import itertools
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema


class Frozen(BaseModel):
    """Immutable and strict: no unknown key, no text where a number belongs, no NaN.

    The text below a field is its description in the JSON schema.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        # `use_attribute_docstrings` would read the sources whenever these modules are imported,
        # which adds 0.15 s to every command.
        schema = handler(core_schema)
        fields = handler.resolve_ref_schema(schema).get("properties", {})
        for name, text in _texts_below_fields(cls).items():
            fields.get(name, {})["description"] = text
        return schema


def _texts_below_fields(model: type[BaseModel]) -> dict[str, str]:
    texts = {}
    for part in reversed(model.__mro__[: model.__mro__.index(Frozen)]):
        (tree,) = ast.parse(inspect.getsource(part)).body
        assert isinstance(tree, ast.ClassDef)
        for field, text in itertools.pairwise(tree.body):
            match field, text:
                case ast.AnnAssign(target=ast.Name(name)), ast.Expr(ast.Constant(str(said))):
                    texts[name] = " ".join(said.split())
    return texts


def integral(value: Any) -> Any:
    """Return 5.0 as 5: they are the same count and get the same key; all else as it is."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def as_tuple(value: Any) -> Any:
    """Return a list as a tuple, which is what a strict frozen class takes; all else as it is."""
    return tuple(value) if isinstance(value, list) else value


Option = TypeVar("Option")
#: One of several classes, told apart by `name`.
ByName = Annotated[Option, Field(discriminator="name")]

Item = TypeVar("Item")
Many = Annotated[tuple[Item, ...], BeforeValidator(as_tuple)]
#: The largest whole number that data frames and Parquet take.
LARGEST = 2**63 - 1
Count = Annotated[int, BeforeValidator(integral), Field(ge=0, le=LARGEST)]
Positive = Annotated[int, BeforeValidator(integral), Field(ge=1, le=LARGEST)]
Counts = Annotated[Many[Positive], Field(min_length=1)]
NonNegativeFloat = Annotated[float, Field(ge=0)]
PositiveFloat = Annotated[float, Field(gt=0)]
BelowOne = Annotated[float, Field(ge=0, lt=1)]
Fraction = Annotated[float, Field(ge=0, le=1)]

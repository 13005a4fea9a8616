"""The JSON Schema of a study file, for completion and checks in an editor."""

from typing import Any

from ablate.config.groups import Groups
from ablate.config.target import TARGET_GROUPS
from ablate.study.file import StudyFile

#: Pydantic's words for the bounds of a number, where a schema has others.
_BOUNDS = {"ge": "minimum", "le": "maximum", "gt": "exclusiveMinimum", "lt": "exclusiveMaximum"}


def study_schema(groups: Groups) -> dict[str, Any]:
    """Return the schema; config keys and the options of groups are those of `groups`."""
    schema: dict[str, Any] = _renamed(StudyFile.model_json_schema())
    dialect = "https://json-schema.org/draft/2020-12/schema"
    schema |= {"$schema": dialect, "title": "ablate study"}
    definitions = schema["$defs"]
    definitions["Overrides"] = _overrides(groups)
    of_part = definitions["PartFile"]["properties"]
    own = schema["properties"]
    for properties, name in ((own, "baseline"), (own, "quick"), (of_part, "baseline")):
        said = properties[name]["description"]
        properties[name] = {"description": said, "$ref": "#/$defs/Overrides"}
    own["full"] |= {
        "type": "object",
        "properties": {**definitions["Overrides"]["properties"], "replicates": own["replicates"]},
    }
    return schema


def _overrides(groups: Groups) -> dict[str, Any]:
    """Return the schema of config keys with their values: `{data: mnist, model.depth: 5}`."""
    keys: dict[str, Any] = {}
    for group, options in groups.options.items():
        names: dict[str, Any] = {"enum": sorted(options)}
        keys[group] = {"anyOf": [names, {"type": "object"}]} if group in TARGET_GROUPS else names
        fields = {field for option in options.values() for field in option} - {"name"}
        keys |= {f"{group}.{field}": {} for field in sorted(fields)}
    return {"type": "object", "description": "config keys and their values", "properties": keys}


def _renamed(node: Any) -> Any:
    """Return a schema with bounds in its words, and without titles that repeat a key."""
    if isinstance(node, list):
        return [_renamed(item) for item in node]
    if not isinstance(node, dict):
        return node
    return {
        _BOUNDS.get(key, key): _renamed(value)
        for key, value in node.items()
        if key != "title" or not isinstance(value, str)
    }

"""Reading YAML as people mean it: 5e-4 is a number, and a key given twice is an error."""

import itertools
import re
import sys
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from ablate.errors import ConfigError

#: What no file that somebody wrote has: brackets within brackets, and values, those that an alias
#: (`*name`) repeats counted each time.
_DEEPEST, _MOST = 100, 100_000


class _Loader(yaml.CSafeLoader):
    """Composes what is not too deep for the recursion of all that comes after, and not too much."""

    depth = 0

    def descend_resolver(self, current_node: yaml.Node | None, current_index: Any) -> None:
        self.depth += 1
        if self.depth > _DEEPEST:
            mark = current_node.start_mark if current_node else None
            problem = f"more than {_DEEPEST} levels of nesting"
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=mark)

    def ascend_resolver(self) -> None:
        self.depth -= 1

    def construct_document(self, node: yaml.Node) -> Any:
        values, depth = _extent(node, {})
        if values > _MOST or depth > _DEEPEST:
            has = f"it has {values} values, aliases followed, {depth} deep"
            raise yaml.YAMLError(f"{has}; allowed are {_MOST}, {_DEEPEST} deep")
        return super().construct_document(node)


# YAML 1.1 reads 5e-4 as text because it has no point; Hydra and everybody else as a number.
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)[eE][-+]?\d+$"),
    list("-+0123456789."),
)


# A date is a text, as it is to Hydra; what has no place in JSON is nothing at all.
_NO_VALUES = [f"tag:yaml.org,2002:{tag}" for tag in ("timestamp", "binary", "set", "omap", "pairs")]
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag not in _NO_VALUES]
    for first, resolvers in _Loader.yaml_implicit_resolvers.items()
}
_Loader.yaml_constructors = {
    tag: make for tag, make in _Loader.yaml_constructors.items() if tag not in _NO_VALUES
}


def _extent(node: yaml.Node, known: dict[int, tuple[int, int]]) -> tuple[int, int]:
    """Return how many values a node stands for and how deep they are, aliases followed."""
    if id(node) not in known:
        if isinstance(node, yaml.ScalarNode):
            return 1, 1
        known[id(node)] = 0, 0
        inner = node.value if isinstance(node, yaml.SequenceNode) else itertools.chain(*node.value)
        extents = [_extent(item, known) for item in inner]
        values = 1 + sum(values for values, _ in extents)
        known[id(node)] = values, 1 + max((depth for _, depth in extents), default=0)
    elif known[id(node)] == (0, 0):
        raise yaml.MarkedYAMLError(problem="an alias within itself", problem_mark=node.start_mark)
    return known[id(node)]


def _unique_mapping(loader: _Loader, node: yaml.MappingNode) -> dict[Any, Any]:
    seen: set[Any] = set()
    for key_node, _ in node.value:
        if key_node.tag == "tag:yaml.org,2002:merge":
            continue  # `<<: *defaults`: what it brings may be given anew
        key = loader.construct_object(key_node)
        if isinstance(key, Hashable) and key in seen:
            line = key_node.start_mark.line + 1
            raise yaml.MarkedYAMLError(problem=f"'{key}' is given twice (line {line})")
        seen |= {key} if isinstance(key, Hashable) else set()
    return loader.construct_mapping(node, deep=True)


def _whole_number(loader: _Loader, node: yaml.ScalarNode) -> int:
    value = int(loader.construct_yaml_int(node))
    if abs(value) > sys.float_info.max:
        digits = f"a number of {len(node.value)} digits is too large"
        raise yaml.MarkedYAMLError(problem=digits, problem_mark=node.start_mark)
    return value


_Loader.add_constructor("tag:yaml.org,2002:int", _whole_number)
_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _unique_mapping)


def read_yaml(path: Path) -> Any:
    """Return the content of a YAML file; raises ConfigError naming the file and the line."""
    try:
        return yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not a text file in UTF-8.") from error
    except yaml.MarkedYAMLError as error:
        where = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise ConfigError(f"{path}{where}: not valid YAML: {error.problem}.") from error
    except (yaml.YAMLError, ValueError) as error:  # such as a number of five thousand digits
        raise ConfigError(f"{path}: not valid YAML: {error}.") from error

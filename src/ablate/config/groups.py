"""The config groups as plain files, and levels laid over a composed config.

Hydra composes the base once (about 0.1 s); cells are made from it here, in microseconds
each, by the same rules: choosing a group's option loads its file, dotted keys set values.
`tests/config/test_groups.py` holds both ways against each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ablate.config.target import TARGET, TARGET_GROUPS, is_user_code
from ablate.config.validate import shown
from ablate.config.yaml_file import read_yaml
from ablate.errors import ConfigError, check_known

Override = tuple[str, Any]


@dataclass(frozen=True)
class Groups:
    """Options of every group, `options["init"]["he"]` being that file's flat content.

    defaults   the option that `config.yaml` chooses, by group
    top_level  every key that may stand at the start of an override
    sections   the keys of each that is no group, and none of what is a value itself
    opened     groups that may be the user's own code, whose arguments are not known here
    """

    options: Mapping[str, Mapping[str, Mapping[str, Any]]]
    defaults: Mapping[str, str]
    top_level: tuple[str, ...]
    sections: Mapping[str, frozenset[str]] = field(default_factory=dict)
    opened: frozenset[str] = frozenset()

    def open(self, *layers: Mapping[str, Any]) -> Groups:
        """Return the same with those groups opened for which a layer names the user's own code."""
        users = {key for layer in layers for key in layer if is_user_code(key, layer[key])}
        return replace(self, opened=self.opened | users) if users else self

    def check_key(self, key: str, where: str) -> None:
        """Raise ConfigError unless some option has the dotted `key`; `where` opens the message."""
        if not isinstance(key, str):
            raise ConfigError(f"{where}: {shown(key)} is no config key; it must be a text.")
        group, _, name = key.partition(".")
        unknown = f"{where}: unknown key '{key}'"
        check_known(group, self.top_level, f"{unknown}; the top-level keys are")
        if not name or group in self.opened:
            return
        known = {own for option in self.options.get(group, {}).values() for own in option}
        known |= self.sections.get(group, frozenset())
        if known and name not in known:
            check_known(name, sorted(known - {"name"}), f"{unknown}; {group} has")
        if group in self.sections and not known:
            raise ConfigError(f"{unknown}; {group} has no keys.")

    def check_override(self, key: str, value: Any, where: str) -> None:
        """Raise ConfigError unless `key` exists and, where it names a group, `value` is for it."""
        self.check_key(key, where)
        if self.is_choice(key, value):
            said = f"{where}: there is no {key} '{value}'; allowed are"
            check_known(value, sorted(self.options[key]), said)
        elif key in self.options and not is_user_code(key, value):
            what = "a mapping" if isinstance(value, Mapping) else shown(value)
            raise ConfigError(
                f"{where}: {key} is {what}; write the name of an option"
                + (f", or {{{TARGET}: mylab.module.name}}." if key in TARGET_GROUPS else ".")
            )

    def check_fields(self, overrides: Mapping[str, Any], where: str) -> None:
        """Raise ConfigError for a dotted key that the option chosen beside it does not have."""
        for key in overrides:
            group, _, name = key.partition(".")
            option = overrides.get(group, self.defaults.get(group))
            fields = self.options.get(group, {}).get(str(option))
            if name and fields is not None and name not in fields:
                said = f"{where}: {group} '{option}' has no '{name}'; it has"
                check_known(name, sorted(set(fields) - {"name"}), said)

    def is_choice(self, key: str, value: Any) -> bool:
        """Tell whether `key: value` chooses a group's option (`init: he`)."""
        return key in self.options and isinstance(value, str)

    def is_whole(self, key: str, value: Any) -> bool:
        """Tell whether `key: value` says what a group is: an option, or the user's own code."""
        return self.is_choice(key, value) or is_user_code(key, value)


def read_groups(folders: Iterable[Path]) -> Groups:
    """Read all group files; a later folder adds options and replaces those of the same name."""
    options: dict[str, dict[str, Mapping[str, Any]]] = {}
    top_level: dict[str, None] = {}
    sections: dict[str, frozenset[str]] = {}
    defaults: dict[str, str] = {}
    for folder in folders:
        for path in sorted(folder.glob("*/*.yaml")):
            if path.parent.name in ("study", "published", "hydra"):
                continue  # each has a reader of its own
            options.setdefault(path.parent.name, {})[path.stem] = read_yaml(path) or {}
        if (folder / "config.yaml").exists():
            config = read_yaml(folder / "config.yaml")
            top_level |= dict.fromkeys(config)
            for key, value in config.items():
                own = frozenset(value) if isinstance(value, Mapping) else frozenset()
                sections[key] = sections.get(key, frozenset()) | own
            chosen = [item for item in config["defaults"] if isinstance(item, dict)]
            defaults |= {k: v for item in chosen for k, v in item.items() if k in options}
    names = [key for key in [*options, *top_level, "study"] if key not in ("defaults", "hydra")]
    return Groups(options, defaults, tuple(dict.fromkeys(names)), sections)


def layered(layers: Iterable[Mapping[str, Any]], groups: Groups) -> dict[str, Any]:
    """Return several sets of overrides as one, the later winning.

    Where a later layer chooses an option of a group, values that an earlier one set for the
    group are forgotten if the option does not have them, and all where either is the user's own.
    """
    merged: dict[str, Any] = {}
    for layer in layers:
        for group, option in layer.items():
            if groups.is_whole(group, option):
                users = is_user_code(group, option) or is_user_code(group, merged.get(group))
                fields = () if users else groups.options[group][option]
                merged = {
                    key: value
                    for key, value in merged.items()
                    if not key.startswith(f"{group}.") or key.partition(".")[2] in fields
                }
        merged |= layer
    return merged


def split_user_code(overrides: Iterable[Override]) -> tuple[list[Override], list[Override]]:
    """Return the overrides that Hydra can compose, and those of groups that are the user's own.

    Hydra takes a mapping for the name of a group's option, so these are laid over afterwards.
    """
    overrides = list(overrides)
    users = {key for key, value in overrides if is_user_code(key, value)}
    parts: tuple[list[Override], list[Override]] = ([], [])
    for key, value in overrides:
        parts[key.partition(".")[0] in users].append((key, value))
    return parts


def with_overrides(
    base: Mapping[str, Any], groups: Groups, earlier: Iterable[Override], later: Iterable[Override]
) -> dict[str, Any]:
    """Return `base` with `later` laid over it; `base` stays as it is.

    Choosing another option of a group takes that option's defaults and then, of the values in
    `earlier` that were set by hand, those the new option has too: `optimizer: adam` over a
    baseline with `optimizer.lr` and `optimizer.momentum` keeps the first and forgets the second.
    """
    result: dict[str, Any] = {
        key: dict(value) if isinstance(value, Mapping) else value for key, value in base.items()
    }
    by_hand = dict(earlier)
    for key, value in sorted(later, key=lambda override: not groups.is_whole(*override)):
        group, _, name = key.partition(".")
        if groups.is_choice(key, value):
            fields = groups.options[key][value].items()
            result[key] = {name: by_hand.get(f"{key}.{name}", default) for name, default in fields}
        elif is_user_code(key, value):
            result[key] = dict(value)
        elif not name:
            result[group] = value
        elif isinstance(result.get(group), dict):
            result[group][name] = value
        else:
            raise ConfigError(f"unknown key '{key}': '{group}' has no keys of its own.")
    return result

"""SVG as matplotlib writes it, made small: a third of the bytes, the same picture.

Text stays text (found by a search, read aloud), in the width that it was laid out with. Numbers
are rounded to hundredths of a point, of long paths to tenths, which nobody sees. Ids are short
and no other figure's, so that many figures stand in one page. What `ablate.report.figures.marks`
said of an artist becomes `data-` attributes of what is drawn of it.
"""

import re
from collections import Counter
from collections.abc import Iterator
from xml.etree import ElementTree
from xml.etree.ElementTree import Element
from zlib import crc32

from ablate.report.figures.marks import read_mark
from ablate.report.figures.path_data import moved, relative
from ablate.report.figures.svg_style import spread_style

_NAMESPACE = re.compile(r"^\{[^}]*\}")
_REFERENCE = re.compile(r"url\(#([^)]+)\)")
_DROPPED = {"metadata", "style"}
_FONT = "'DejaVu Sans',Verdana,Arial,sans-serif"
#: What children take from the group they are in; `clip-path` because nothing here moves a group.
_INHERITED = (
    "clip-path", "fill", "fill-opacity", "font-size", "font-style", "font-weight",
    "stroke", "stroke-dasharray", "stroke-dashoffset", "stroke-linecap", "stroke-linejoin",
    "stroke-miterlimit", "stroke-opacity", "stroke-width", "text-anchor",
)  # fmt: skip
_SHORTEST_TICK = 24  # characters of a path that costs less than a reference to it


def compact(text: str, stem: str) -> str:
    """Return the text of an SVG file by matplotlib, with `svg.fonttype` `none`, made small.

    stem  no other figure of the page has it: ids are made of it
    """
    root = ElementTree.fromstring(text)
    for element in root.iter():
        _plain_names(element)
    for parent in root.iter():
        for child in list(parent):
            if child.tag in _DROPPED:
                parent.remove(child)
    for element in root.iter():
        _mark(element)
        spread_style(element)
    _use_shapes(root)
    _collect_definitions(root)
    _flatten(root)
    _merge_ticks(root)
    for element in root.iter():
        _round(element)
    _gather(root)
    _rename_ids(root, f"f{crc32(stem.encode()):x}-")
    root.attrib = {
        "xmlns": "http://www.w3.org/2000/svg",
        **{name: root.attrib[name] for name in ("viewBox", "width", "height")},
        "font-family": _FONT,
        "stroke-linejoin": "round",
    }
    return ElementTree.tostring(root, encoding="unicode", short_empty_elements=True).replace(
        " />", "/>"
    )


def _plain_names(element: Element) -> None:
    """Drop namespaces: what is left is SVG alone, and `href` needs none of its own."""
    element.tag = _NAMESPACE.sub("", element.tag)
    element.attrib = {_NAMESPACE.sub("", name): value for name, value in element.attrib.items()}
    element.tail = None
    if element.tag not in ("text", "tspan"):
        element.text = None


def _mark(group: Element) -> None:
    """Write what is known of an artist onto its group, and of its points onto each of them."""
    mark = read_mark(group.get("id", ""))
    if mark is None:
        return
    del group.attrib["id"]
    group.attrib |= {f"data-{name}": value for name, value in mark.of_all.items()}
    points = list(group.iter("use")) or [one for one in group if one.tag == "path"]
    if len(points) == len(mark.of_each):
        for point, data in zip(points, mark.of_each, strict=True):
            point.attrib |= {f"data-{name}": value for name, value in data.items()}


def _use_shapes(root: Element) -> None:
    """Write shapes that are used once where they are used, and others without their colours."""
    shapes = _shapes(root)
    count = Counter(use.get("href", "")[1:] for use in root.iter("use"))
    first: dict[str, str] = {}
    for use in root.iter("use"):
        name = use.get("href", "")[1:]
        shape = shapes.get(name)
        if shape is None:
            continue
        if count[name] == 1:
            x, y = float(use.attrib.pop("x", "0")), float(use.attrib.pop("y", "0"))
            del use.attrib["href"]
            use.tag = "path"
            own = {key: value for key, value in shape.attrib.items() if key not in ("id", "d")}
            use.attrib = {**own, **use.attrib, "d": moved(shape.attrib["d"], x, y)}
        else:
            use.set("href", "#" + first.setdefault(shape.attrib["d"], name))
    kept = set(first.values())
    for defs in root.iter("defs"):
        for child in list(defs):
            if child.get("id") in shapes:
                if child.get("id") in kept:
                    child.attrib = {key: child.attrib[key] for key in ("id", "d")}
                else:
                    defs.remove(child)


def _shapes(root: Element) -> dict[str, Element]:
    """Return the paths that are defined to be used, by id."""
    paths = (path for defs in root.iter("defs") for path in defs if path.tag == "path")
    return {path.attrib["id"]: path for path in paths}


def _collect_definitions(root: Element) -> None:
    """Keep what is referred to in one place, outside all groups that a page may hide."""
    definitions = [child for defs in root.iter("defs") for child in defs]
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag == "defs":
                parent.remove(child)
    together = Element("defs")
    together.extend(definitions)
    root.insert(0, together)


def _flatten(element: Element) -> None:
    """Take out groups that say nothing, and the ids that nobody refers to."""
    for child in list(element):
        _flatten(child)
    if element.tag == "g":
        if element.get("id", "").startswith("matplotlib.axis"):
            # Ticks and their numbers in turn: apart they share what they have in common.
            element[:] = sorted(element, key=lambda child: child.tag == "text")
        element.attrib.pop("id", None)
    flat: list[Element] = []
    for child in element:
        if child.tag in ("g", "defs") and not len(child):
            continue
        flat += list(child) if child.tag == "g" and not child.attrib else [child]
    element[:] = flat


def _round(element: Element) -> None:
    path = element.get("d")
    if path is not None:
        element.set("d", relative(path))
    for name in ("x", "y", "width", "height", "stroke-width", "stroke-dasharray", "font-size"):
        value = element.get(name)
        if value is not None and not value.endswith(("pt", "%")):
            element.set(name, " ".join(map(_short, re.split(r"[ ,]+", value))))
    transform = element.get("transform")
    if transform and "matrix" not in transform:
        element.set("transform", re.sub(r"-?\d+\.\d+", lambda n: _short(n[0]), transform))


def _short(number: str) -> str:
    text = f"{float(number):.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else re.sub(r"^(-?)0\.", r"\1.", text)


def _merge_ticks(root: Element) -> None:
    """Draw neighbouring uses of a tiny shape, the ticks of an axis, as one path."""
    shapes = _shapes(root)
    tiny = {name for name, path in shapes.items() if len(path.attrib["d"]) <= _SHORTEST_TICK}
    for parent in root.iter():
        merged: list[Element] = []
        ticks: Element | None = None  # that the next one may join
        for child in parent:
            shape = child.get("href", "")[1:]
            told = any(name.startswith("data-") for name in child.attrib)
            if child.tag != "use" or shape not in tiny or told:
                ticks = None
                merged.append(child)
                continue
            x, y = float(child.attrib.pop("x", "0")), float(child.attrib.pop("y", "0"))
            del child.attrib["href"]
            d = moved(shapes[shape].attrib["d"], x, y)
            if ticks is not None and _others(ticks) == child.attrib:
                ticks.set("d", f"{ticks.attrib['d']} {d}")
                continue
            child.tag = "path"
            child.set("d", d)
            ticks = child
            merged.append(child)
        parent[:] = merged
    used = {use.get("href", "")[1:] for use in root.iter("use")}
    for defs in root.iter("defs"):
        defs[:] = [one for one in defs if one.tag != "path" or one.get("id") in used]


def _others(element: Element) -> dict[str, str]:
    return {name: value for name, value in element.attrib.items() if name != "d"}


def _gather(element: Element) -> None:
    """Say once what neighbours, or all children of a group, have in common."""
    for child in element:
        _gather(child)
    if element.tag not in ("g", "svg"):
        return
    grouped: list[Element] = []
    for run in _runs(element):
        if len(run) > 2 and len(run) < len(element):
            group = Element("g")
            group.extend(run)
            _hoist(group)
            grouped.append(group)
        else:
            grouped += run
    element[:] = grouped
    if element.tag == "g":
        _hoist(element)


def _runs(element: Element) -> Iterator[list[Element]]:
    """Yield neighbours that look the same, all others alone."""
    run: list[Element] = []
    for child in element:
        if run and not (child.tag != "defs" and _look(child) and _look(child) == _look(run[0])):
            yield run
            run = []
        run.append(child)
    if run:
        yield run


def _look(element: Element) -> dict[str, str]:
    return {name: element.attrib[name] for name in _INHERITED if name in element.attrib}


def _hoist(group: Element) -> None:
    drawn = [child for child in group if child.tag != "defs"]
    if not drawn:
        return
    for name in _INHERITED:
        value = drawn[0].get(name)
        if value is None or name in group.attrib:
            continue
        if all(child.get(name) == value for child in drawn):
            group.set(name, value)
            for child in drawn:
                del child.attrib[name]


def _rename_ids(root: Element, start: str) -> None:
    """Write ids that are referred to as `start` and a number; drop the others."""
    referred: dict[str, str] = {}
    for element in root.iter():
        for name, value in element.attrib.items():
            own = name == "href" and value.startswith("#")
            found = [value[1:]] if own else _REFERENCE.findall(value) if "url(" in value else []
            for one in found:
                new = referred.setdefault(one, f"{start}{len(referred)}")
                element.set(name, value.replace(f"#{one}", f"#{new}"))
    for element in root.iter():
        old = element.attrib.pop("id", None)
        if old in referred:
            element.set("id", referred[old])

"""The table of rooms in docs/architecture.md says which imports there are: all, and no other.

That rooms import from floors below, and nowhere in a circle, is held by the contracts in
pyproject.toml (`lint-imports`); here it is which rooms below.
"""

import re
from pathlib import Path

import grimp
import pytest

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "architecture.md"
ROW = re.compile(r"^\| `(\w+)` \|.*\|([^|]*)\|$", re.MULTILINE)
#: What a room may import by the table, without the ground floor, which is for everybody.
TABLE = {
    room: set(re.findall(r"`([\w.]+)`", cell))
    for room, cell in ROW.findall(DOCUMENT.read_text(encoding="utf-8"))
}
GROUND_FLOOR = {"errors", "secrets", "records", "streams", "metrics", "stats"}
GRAPH = grimp.build_graph("ablate", cache_dir=None, exclude_type_checking_imports=True)
ROOMS = sorted(name.split(".")[1] for name in GRAPH.find_children("ablate"))


def imports_of(room: str) -> set[str]:
    """Return what a room's modules import outside it: a name of its row, or else the room."""
    found = set()
    for module in {f"ablate.{room}"} | GRAPH.find_descendants(f"ablate.{room}"):
        for imported in GRAPH.find_modules_directly_imported_by(module):
            target = imported.removeprefix("ablate.")
            listed = [row for row in TABLE[room] if f"{target}.".startswith(f"{row}.")]
            found.add(listed[0] if listed else target.split(".")[0])
    return found - {room}


def test_every_room_has_a_row() -> None:
    assert sorted([*TABLE, "__main__"]) == ROOMS


@pytest.mark.parametrize("room", TABLE)
def test_a_room_imports_what_its_row_says(room: str) -> None:
    imported = imports_of(room) - (set() if room in GROUND_FLOOR else GROUND_FLOOR)
    assert sorted(imported) == sorted(TABLE[room])

"""Study files with anything in them: planned, or refused in one sentence."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from called import checked
from examples import few_and_many, tries
from hypothesis import given
from hypothesis import strategies as st
from trees import changed, values

from ablate.commands.command_line import plan_studies, sort_words
from ablate.config.compose import package_conf
from ablate.study.lockfile import lock_study, read_lock
from ablate.study.reader import study_files

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
Lab = Callable[[], Path]


def _trees() -> list[Any]:
    paths = [*study_files((package_conf(),)).values(), *sorted(EXAMPLES.glob("*.yaml"))]
    return [yaml.safe_load(path.read_text(encoding="utf-8")) for path in paths]


TREES = _trees()
KEYS = sorted({key for tree in TREES for key in tree})
#: Of no shape that a study has.
free = st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=5), values, max_size=8) | values


def planned(root: Path, content: Any, *words: str) -> None:
    """Plan a study; what is accepted must be written down and read back as it is."""
    text = yaml.dump(content, Dumper=yaml.SafeDumper, allow_unicode=True, sort_keys=False)
    try:
        (root / "mine.yaml").write_text(text, encoding="utf-8")
    except UnicodeEncodeError:
        return
    ended = checked(root, "plan", "study=mine.yaml", *words)
    if ended.code == 0:
        (start,) = plan_studies(
            sort_words([f"study={root / 'mine.yaml'}"]), "quick" if "--quick" in words else ""
        )
        folder = root / "locked"
        shutil.rmtree(folder, ignore_errors=True)
        lock_study(folder, start.plan)
        locked = read_lock(folder)
        assert locked is not None
        assert locked.study.as_declared() == start.plan.study.as_declared()
        assert locked.cells == start.plan.cells


@few_and_many
def test_a_study_file_with_something_changed(lab: Lab, times: int) -> None:
    root = lab()

    @tries(60, times)
    @given(changed(TREES), st.sampled_from([(), (), ("--quick",), ("--json",)]))
    def holds(content: Any, words: tuple[str, ...]) -> None:
        planned(root, content, *words)

    holds()


@few_and_many
def test_a_study_file_of_any_content(lab: Lab, times: int) -> None:
    root = lab()

    @tries(40, times)
    @given(free)
    def holds(content: Any) -> None:
        planned(root, content)

    holds()


@few_and_many
def test_a_study_file_of_other_bytes(lab: Lab, times: int) -> None:
    """Cut, or with some of its characters changed: YAML or not, it is one sentence."""
    root = lab()
    texts = [path.read_bytes() for path in sorted(EXAMPLES.glob("*.yaml"))]

    @tries(40, times)
    @given(st.data())
    def holds(data: st.DataObject) -> None:
        raw = bytearray(data.draw(st.sampled_from(texts)))
        for _ in range(data.draw(st.integers(0, 4))):
            place = data.draw(st.integers(0, len(raw) - 1))
            other = data.draw(st.sampled_from(b"{}[]:,-#&*!|>'\"%@` \n\t0\xff\x00e.~?"))
            raw[place : place + data.draw(st.integers(0, 2))] = bytes([other])
        del raw[data.draw(st.just(len(raw)) | st.integers(0, len(raw))) :]
        (root / "mine.yaml").write_bytes(bytes(raw))
        checked(root, "plan", "study=mine.yaml")

    holds()

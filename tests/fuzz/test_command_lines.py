"""Words of any kind behind every command: an answer, or one sentence."""

import shutil
from collections.abc import Callable
from pathlib import Path

import yaml
from called import checked
from examples import few_and_many, tries
from hypothesis import given
from hypothesis import strategies as st
from trees import places, texts

from ablate.config.compose import as_override, package_conf
from ablate.study.reader import study_files

Lab = Callable[[], Path]

STUDIES = sorted(study_files((package_conf(),)))


def _known_keys() -> list[str]:
    """Return the config keys that shipped studies set, and those of groups."""
    found = set()
    for path in study_files((package_conf(),)).values():
        tree = yaml.safe_load(path.read_text(encoding="utf-8"))
        words = {place[-1] for place in places(tree) if place and isinstance(place[-1], str)}
        found |= {word for word in words if "." in word} | set(tree["baseline"])
    return sorted(
        found | {"augment", "ensemble", "launch.workers", "paths.root", "replicates", "seed"}
    )


keys = (
    st.sampled_from(_known_keys())
    | st.sampled_from([
        "study", "study.name", "study.aa", "study.", "data._target_", "model._target_", "trainer.command",
        "hydra.run.dir", "hydra/launcher", "hydra.searchpath", "+x", "++seed", "~seed", "model@x", "a/b", "",
    ])
    | texts
)  # fmt: skip
words_of_values = (
    texts
    | st.sampled_from([
        "1", "0", "-1", "1e400", "nan", "inf", "1_0", "0.1,0.2", "1,1", "1,1.0", "he,xavier", "a,,b", ",",
        "[1,2]", "[]", "[", "]", "{a:1}", "{", "{_target_:os.getcwd}", "'x'", "'x", "\"x\"", "null", "range(3)",
        "range(100000)", "choice(1,2)", "interval(0,1)", "glob(*)", "shuffle(1,2)", "${seed}", "${nowhere}",
        "${oc.env:NOWHERE}", "${", "mnist", "mlp", "off", "true,false", "99999999999999999999", "x" * 400,
    ])
    | st.integers().map(str)
    | st.floats().map(str)
    | st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | texts,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=2),
        max_leaves=4,
    ).map(lambda value: as_override("", value)[1:])
)  # fmt: skip
overrides = st.tuples(keys, words_of_values).map("=".join) | keys
flags = st.sampled_from([
    "--quick", "--json", "--debug", "--cfg", "-c", "job", "all", "--cfg=job", "--check", "--dry-run", "--stale",
    "--help", "-h", "-m", "--multirun", "--", "-", "--root", "--port", "-x", "--unknown=1",
])  # fmt: skip
planning = st.lists(st.one_of(overrides, overrides, overrides, flags), max_size=4)
runs = st.sampled_from([
    "wide", "wide/width=4/0", "wide/width=8/1", "wide/width/0", "wide/width=4/9", "wide/width=4/-1", "wide//0",
    "wide/width=4/²", "runs/wide/width=4/0", "../wide/width=4/0", "wide/../0", "/", "///", "abcdef", "0" * 64,
    "wide/width=4/0/", "wide/width=4/99999999999999999999999", "table 1", "table", "1", "4", "8", "table-9",
    "mnist", "digits", "quickstart", ".stale", "..", "members", "wide-quick", "*", "[", "wide/*/0",
])  # fmt: skip
looking = st.lists(runs | texts | flags, max_size=4)


@few_and_many
def test_overrides_of_any_kind(lab: Lab, times: int) -> None:
    root = lab()
    studies = st.sampled_from(
        ["study=wide.yaml", "study=wide.yaml", "study=quickstart", "study=recipe"]
    )

    @tries(50, times)
    @given(st.sampled_from(["plan", "plan", "sweep"]), studies, planning)
    def holds(command: str, study: str, words: list[str]) -> None:
        asked = ["--cfg", "job"] if command == "sweep" else []
        if "--debug" not in words:
            checked(root, command, study, *asked, *words)

    holds()


@few_and_many
def test_keys_without_a_study(lab: Lab, times: int) -> None:
    root = lab()

    @tries(25, times)
    @given(st.sampled_from(["sweep", "run"]), planning)
    def holds(command: str, words: list[str]) -> None:
        if "--debug" not in words:
            checked(root, command, "--cfg", "job", *words)

    holds()


@few_and_many
def test_names_of_any_kind(lab: Lab, times: int) -> None:
    """Commands that look at what is there, or write a file of that name."""
    commands = st.sampled_from(
        ["explain", "trace", "status", "report", "clean", "new", "data", "studies"]
    )
    root = lab()
    made = shutil.copytree(root, root.parent / "made")

    @tries(70, times)
    @given(commands, looking)
    def holds(command: str, words: list[str]) -> None:
        if "--debug" in words:
            return
        ended = checked(root, command, *words)
        if ended.wrote:
            shutil.rmtree(root)
            shutil.copytree(made, root)

    holds()

"""The user's own code: found by its dotted path, called as it asks, refused in one sentence."""

import os
from pathlib import Path

import pytest

from ablate import user
from ablate.config.target import Target
from ablate.config.validate import run_config
from ablate.errors import ConfigError


def target(path: str, **arguments: object) -> Target:
    return Target.model_validate({"_target_": path, **arguments})


@pytest.mark.parametrize(
    ("path", "arguments", "sentence"),
    [
        ("nolab.nets.Net", {}, "there is no module 'nolab'; it must lie in the working directory"),
        ("mylab.net.Net", {}, "mylab has no 'net'. Did you mean 'nets'?"),
        ("mylab.nets.Nett", {}, "mylab.nets has no 'Nett'. Did you mean 'Net'?"),
        ("mylab.nets.NUMBER", {}, "it must be a class or a function"),
        ("mylab.nets.Net", {"widht": 3}, "mylab.nets.Net takes no argument 'widht'; it takes width, "
         "norm, dropout or inplace. Did you mean 'width'?"),
        ("mylab.parts.Hinge", {}, "cannot be called: missing a required argument: 'margin'"),
    ],
)  # fmt: skip
def test_what_cannot_be_called_is_named(path: str, arguments: dict, sentence: str) -> None:
    with pytest.raises(ConfigError) as caught:
        user.call(target(path, **arguments), "model", inputs=(2,), classes=3)
    assert sentence in str(caught.value)
    assert str(caught.value).startswith("model")


def test_a_module_that_fails_on_import_is_named(tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "broken_lab.py").write_text("import nonesuch\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ConfigError, match="importing broken_lab failed: ModuleNotFoundError"):
        user.imported("broken_lab.f", "loss")


def test_only_what_a_signature_takes_is_offered() -> None:
    def both(a, b=2):
        return a, b

    assert user.takes(both, "b")
    assert not user.takes(both, "c")
    assert not user.takes(lambda **rest: rest, "rest")
    assert user.call(target("mylab.data.rings", examples=30), "data", seed=5).train[1].shape == (
        20,
    )


def test_sources_change_with_the_file_and_follow_the_path(tmp_path: Path, monkeypatch) -> None:
    package = tmp_path / "lab_of_this_test"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "nets.py").write_text("class Net: ...\n")
    (tmp_path / "train.py").write_text("print(1)\n")
    monkeypatch.syspath_prepend(tmp_path)
    values = {"data": {"name": "digits"}, "optimizer": {"name": "sgd"}}
    model = run_config({**values, "model": {"_target_": "lab_of_this_test.nets.Net"}})
    command = run_config(
        {**values, "model": {"name": "mlp"}, "trainer": {"command": "python train.py --fast"}}
    )
    before = user.sources(model, tmp_path), user.sources(command, tmp_path)
    assert [list(found) for found in before] == [["model"], ["trainer.command train.py"]]
    (package / "nets.py").write_text("class Net: ... # another\n")
    (tmp_path / "train.py").write_text("print(2)\n")
    after = user.sources(model, tmp_path), user.sources(command, tmp_path)
    assert before[0] != after[0]
    assert before[1] != after[1]


def test_a_script_that_leaves_when_it_is_imported_is_named(tmp_path: Path, monkeypatch) -> None:
    """Found, it is imported; named within a package, finding it imports the package."""
    (tmp_path / "script_lab.py").write_text("import argparse\nraise SystemExit(2)\n")
    (tmp_path / "packed_lab").mkdir()
    (tmp_path / "packed_lab" / "__init__.py").write_text("raise SystemExit(2)\n")
    monkeypatch.syspath_prepend(tmp_path)
    for path in ("script_lab.f", "packed_lab.nets.f"):
        with pytest.raises(ConfigError, match=f"^loss={path}: importing .* failed: SystemExit: 2"):
            user.imported(path, "loss")


def test_what_own_code_raises_is_said_in_one_line_and_interrupts_are_not() -> None:
    for error, said in (
        (ValueError("one\ntwo"), "ValueError: one"),
        (SystemExit(), "SystemExit"),
        (KeyError("x."), "KeyError: 'x.'"),
        (ValueError("x" * 10**6), f"ValueError: {'x' * 300}"),
        (RecursionError("too deep."), "RecursionError: too deep"),
    ):
        with pytest.raises(ConfigError) as caught, user.calling("data", "lab.f"):
            raise error
        assert str(caught.value) == f"data=lab.f: {said}."
        assert caught.value.__cause__ is error
    with pytest.raises(KeyboardInterrupt), user.calling("data", "lab.f"):
        raise KeyboardInterrupt
    with pytest.raises(ConfigError, match="^its own words$"), user.calling("data", "lab.f"):
        raise ConfigError("its own words")


def test_where_own_modules_were_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`ablate verify` looks there again; what is installed needs no place."""
    (tmp_path / "lab").mkdir()
    (tmp_path / "lab" / "beside_a_study.py").write_text("def net(): pass")
    monkeypatch.syspath_prepend(tmp_path / "lab")
    plain = run_config(
        {
            "data": {"name": "digits"},
            "model": {"name": "mlp"},
            "optimizer": {"name": "sgd", "lr": 0.1},
        }
    )
    own = plain.model_copy(
        update={"model": target("beside_a_study.net"), "loss": target("mylab.parts.Hinge")}
    )
    here = os.path.relpath(Path(__file__).parent, tmp_path)
    assert user.folders(own, tmp_path) == sorted([here, "lab"])
    installed = plain.model_copy(
        update={"model": target("torch.nn.Linear"), "loss": target("math.sqrt")}
    )
    assert user.folders(installed, tmp_path) == user.folders(plain, tmp_path) == []

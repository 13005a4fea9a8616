"""The executor over an engine that has `submit`: here one that calls at once, in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest
from executor_suite import TINY, ExecutorSuite, ended, job, result_of

from ablate.config.launch import FuturesLaunch, Ray
from ablate.errors import ConfigError
from ablate.launch.device import device_for
from ablate.launch.executor import Executor, executor_of
from ablate.launch.futures import Futures
from ablate.store.compared import compared_bytes


class AtOnce:
    """Calls what is submitted; of the first `lost` calls it loses the answer."""

    def __init__(self, lost: int = 0) -> None:
        self.lost, self.calls = lost, 0

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        self.calls += 1
        future: Future[Any] = Future()
        try:
            if self.calls <= self.lost:
                raise ConnectionError("node7 is gone\nand with it its memory")
            future.set_result(function(*arguments))
        except Exception as error:
            future.set_exception(error)
        return future


@pytest.fixture(
    params=[
        pytest.param(True, id="one folder"),
        pytest.param(False, id="nothing shared", marks=pytest.mark.long),
    ]
)
def executor(request: pytest.FixtureRequest) -> Iterator[Executor]:
    futures = Futures(AtOnce(), 1, request.param)
    yield futures
    futures.close()


class TestFutures(ExecutorSuite):
    @pytest.fixture
    def executor(self, executor: Executor) -> Executor:
        return executor


def test_what_comes_home_as_bytes_is_what_a_shared_folder_has(tmp_path: Path) -> None:
    for name, shares in (("here", True), ("away", False)):
        one = job(tmp_path / name, "a", TINY, 2)
        list(Futures(AtOnce(), 1, shares).run([one]))
    for replicate in "01":
        here, away = (tmp_path / name / "a" / replicate for name in ("here", "away"))
        assert compared_bytes(here) == compared_bytes(away)
        assert sorted(p.name for p in here.iterdir()) == sorted(p.name for p in away.iterdir())
    configs = [[p.name for p in (tmp_path / n / "a").glob("*.yaml")] for n in ("here", "away")]
    assert configs[0] == configs[1]
    assert len(configs[0]) == 1


def test_a_job_that_the_engine_loses_is_handed_out_once_more(tmp_path: Path) -> None:
    client = AtOnce(lost=1)
    events = list(Futures(client, 1).run([job(tmp_path, "a")]))
    assert [event.task is None for event in events] == [True, False]
    assert ended(events) == {("a", 0): "done"}
    assert client.calls == 2


def test_a_job_that_it_loses_again_has_failed_and_the_others_go_on(tmp_path: Path) -> None:
    client = AtOnce(lost=3)
    events = list(Futures(client, 1).run([job(tmp_path, "a"), job(tmp_path, "b")]))
    assert ended(events) == {("a", 0): "failed", ("b", 0): "done"}
    said = "the engine has lost it twice (ConnectionError: node7 is gone"
    assert result_of(tmp_path / "a" / "0").message == said


def test_an_engine_that_lives_on_trains_each_sweep_with_its_own_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the same name in another folder, and edited since the last sweep."""
    for folder, value in (("first", 0.25), ("second", 0.5), ("second", 0.125)):
        (root := tmp_path / folder).mkdir(exist_ok=True)
        code = f"def fit(config, data, streams):\n    return {{'test/accuracy': {value}}}\n"
        (root / "code_of_a_sweep.py").write_text(code)
        one = job(root, str(value), {**TINY, "trainer": {"_target_": "code_of_a_sweep.fit"}})
        with monkeypatch.context() as patch:
            patch.syspath_prepend(root)
            list(Futures(AtOnce(), 1).run([one]))
        assert result_of(root / str(value) / "0").metrics["test/accuracy"] == value


def a_client() -> AtOnce:
    return AtOnce()


@pytest.mark.parametrize(
    ("launch", "sentence"),
    [
        (FuturesLaunch(name="futures", client="mylab.no.client"), "launch.client=mylab.no.client"),
        (Ray(name="ray", address="127.0.0.1:1"), "launch.address=127.0.0.1:1: Ray gives no answer"),
    ],
)
def test_an_engine_that_is_not_there_is_named(launch: FuturesLaunch | Ray, sentence: str) -> None:
    if isinstance(launch, Ray):
        pytest.importorskip("ray", reason="needs Ray: pip install 'ablate[ray]'")
    with pytest.raises(ConfigError, match=sentence):
        executor_of(launch, "cpu")


def test_a_client_is_named_by_its_dotted_path(tmp_path: Path) -> None:
    launch = FuturesLaunch(name="futures", client=f"{__name__}.a_client", workers=3)
    futures = executor_of(launch, "cpu")
    assert futures.size == 3
    assert ended(list(futures.run([job(tmp_path, "a")]))) == {("a", 0): "done"}
    futures.close()


@pytest.mark.parametrize(
    ("launch", "device"),
    [
        (Ray(name="ray"), "cpu"),
        (Ray(name="ray", gpus=0.25), "cuda"),
        (FuturesLaunch(name="futures", client="a.b"), "cpu"),
        (FuturesLaunch(name="futures", client="a.b", has_gpus=True), "cuda"),
    ],
)
def test_the_device_is_that_of_the_engine(launch: FuturesLaunch | Ray, device: str) -> None:
    """The process that hands out need not have one."""
    assert device_for("auto", launch) == device
    assert device_for("cpu", launch) == "cpu"
    assert device_for("cuda", launch) == "cuda"

"""Models of the user's own of many kinds: each trains as it would by hand, and is kept whole."""

import numpy as np
import pytest
import torch
from torch import nn

from ablate import data as data_sets
from ablate.config.key import canonical, cell_key
from ablate.config.validate import run_config
from ablate.errors import ConfigError
from ablate.launch.user_check import check_user_code, not_stacked
from ablate.streams import Streams
from ablate.train.loop import train
from ablate.train.prepare import prepare

EPOCHS, BATCH = 3, 32
BASE = {
    "data": {"_target_": "mylab.data.rings"},
    "optimizer": {"name": "sgd", "lr": 0.1},
    "trainer": {"epochs": EPOCHS, "batch_size": BATCH, "save": "last"},
    "probe": {"steps": "ends", "examples": 40},
}


def of(name, **arguments):
    module = name if "." in name else f"mylab.kinds.{name}"
    return run_config({**BASE, "model": {"_target_": module, **arguments}})


#: By model: what is asked of it, its probed layers, and why it does not train in a stack.
KINDS = {
    "Mapped": ({"_output_": "logits"}, ["act", "other_act"], None),
    "Paired": ({"_output_": 0}, ["act", "other_act"], None),
    "AsDataclass": ({"_output_": "logits"}, ["act", "other_act"], None),
    "PairedInTraining": ({"_output_": 0}, ["act", "other_act"], None),
    "Recurrent": ({}, [], "Batching rule not implemented for aten::lstm"),
    "WithOwnCell": ({}, ["first"], None),
    "PartlyFrozen": ({}, ["other_act"], None),
    "TiedEnds": ({}, ["first", "middle"], None),
    "Lazy": ({}, ["act"], None),
    "LazyByName": ({}, ["act"], None),
    "OwnStart": ({}, ["act", "other_act"], None),
    "Counts": ({}, ["act", "other_act"], None),
}


def by_hand(config, tmp_path, replicate=0):
    """Train the same module on the same batches in plain torch; return it, losses and start."""
    data = data_sets.load(config.data, tmp_path)
    stack = prepare(config, data, [Streams(0, replicate)], "cpu")
    module = stack.network.module
    start = {name: value.clone() for name, value in module.state_dict().items()}
    optimizer = torch.optim.SGD([p for p in module.parameters() if p.requires_grad], lr=0.1)
    losses = []
    for epoch in range(EPOCHS):
        for indices in stack.order(epoch).split(BATCH, dim=1):
            batch = stack.batch(indices, epoch, len(losses))
            loss = nn.functional.cross_entropy(module(batch.inputs[0]), batch.targets[0])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    return module, losses, start


@pytest.mark.parametrize("name", KINDS)
def test_it_trains_as_by_hand_and_all_of_it_is_kept(name, run, tmp_path):
    config = of(name, **KINDS[name][0])
    check_user_code(config, tmp_path)
    (record,) = run(config)
    module, losses, _ = by_hand(config, tmp_path)
    # The update may be by another kernel: a few units in the last place over fifteen steps.
    assert record.losses == pytest.approx(losses, rel=1e-5)
    expected = module.state_dict()
    assert record.weights.keys() == expected.keys()
    for part, value in expected.items():
        assert record.weights[part] == pytest.approx(value.numpy(), rel=1e-4, abs=1e-6), part
    module.load_state_dict({k: torch.from_numpy(v) for k, v in record.weights.items()})
    assert list(record.probe.get("layers", ())) == KINDS[name][1]


@pytest.mark.parametrize("name", KINDS)
def test_it_trains_in_a_stack_or_is_said_not_to(name, run, tmp_path):
    config, reason = of(name, **KINDS[name][0]), KINDS[name][2]
    said = not_stacked(config)
    if reason is not None:
        assert reason in said
        return
    assert said is None
    both, alone = run(config, (0, 1)), run(config, (1,))
    # vmap adds in another order.
    assert both[1].losses == pytest.approx(alone[0].losses, rel=1e-4)
    for part, value in alone[0].weights.items():
        assert both[1].weights[part] == pytest.approx(value, rel=1e-3, abs=1e-5), part


def test_what_a_branch_for_nobody_has_is_zero(run):
    (record,) = run(of("Mapped", _output_="logits"))
    gradients = record.probe["statistics"][:, 1:, 1]  # of the activation and of its weights
    assert np.array_equal(gradients[:, :, 0], np.zeros((2, 2)))
    assert (record.probe["statistics"][:, 1, 0, 1] > 0).all()


def test_dropout_within_an_lstm_draws_from_the_replicates_stream(run):
    config = of("Recurrent", dropout=0.5)
    first, again, other = (run(config, (r,))[0] for r in (0, 0, 1))
    assert np.array_equal(first.losses, again.losses)
    assert not np.array_equal(first.losses, other.losses)
    assert not np.array_equal(first.losses, run(of("Recurrent"))[0].losses)


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_tied_weights_stay_tied_and_take_one_step(optimizer, run, tmp_path):
    config = of("TiedEnds")
    fields = config.model_dump() | {"optimizer": {"name": optimizer, "lr": 0.1}}
    (record,) = run(run_config(fields))
    assert np.array_equal(record.weights["middle.weight"], record.weights["last.weight"])
    assert record.parameters == (2 * 3 + 3) + (3 * 3 + 3) + 3  # the shared matrix once
    if optimizer == "adamw":
        return
    module, _, start = by_hand(config, tmp_path)
    assert module.last.weight is module.middle.weight
    assert not torch.equal(start["last.weight"], module.last.weight)


def test_frozen_weights_stay_and_buffers_move(run, tmp_path):
    config = of("PartlyFrozen")
    _, _, start = by_hand(config, tmp_path)
    (record,) = run(config)
    for part, value in start.items():
        same = np.array_equal(record.weights[part], value.numpy())
        # Nobody's head has no gradient.
        assert same == (part.startswith(("first.", "other."))), part
    (counted,) = run(of("Counts"))
    assert counted.weights["steps"] == len(counted.losses)


def test_lazy_layers_draw_from_the_stream_of_the_start(tmp_path):
    starts = [by_hand(of("Lazy"), tmp_path, r)[2] for r in (0, 0, 1)]
    assert torch.equal(starts[0]["first.weight"], starts[1]["first.weight"])
    assert not torch.equal(starts[0]["first.weight"], starts[2]["first.weight"])


def test_lazy_layers_with_reset_parameters_draw_by_name(tmp_path):
    plain, larger = (by_hand(of("LazyByName", extra=extra), tmp_path)[2] for extra in (False, True))
    assert torch.equal(plain["first.weight"], larger["first.weight"])
    assert torch.equal(plain["last.weight"], larger["last.weight"])
    assert not plain["last.bias"].any()


def test_weights_of_its_own_choice_are_where_it_starts(tmp_path):
    start = by_hand(of("OwnStart"), tmp_path)[2]
    gram = start["first.weight"].T @ start["first.weight"]
    assert gram.numpy() == pytest.approx(np.eye(2), abs=1e-5)  # orthogonal_ is by float32 QR
    assert torch.equal(start["first.bias"], torch.full((8,), 0.25))


@pytest.mark.parametrize(
    ("name", "arguments", "sentence"),
    [
        ("Mapped", {}, "model=mylab.kinds.Mapped returns a dict for 2 examples; it must return logits "
         "(2, 3), or model._output_ name them: hidden, other or logits."),
        ("Paired", {}, "returns a tuple for 2 examples; it must return logits (2, 3), or "
         "model._output_ name them: 0 or 1."),
        ("AsDataclass", {}, "returns a Found for 2 examples; it must return logits (2, 3), or model._o"),
        ("PairedInTraining", {}, "returns a tuple for 2 examples in training mode; it must return logi"),
        ("Mapped", {"_output_": "logit"}, "model._output_=logit is not there: the model returns a dict, "
         "which has hidden, other or logits. Did you mean 'logits'?"),
        ("Paired", {"_output_": 2}, "model._output_=2 is not there: the model returns a tuple, which ha"),
        ("Mapped", {"_output_": "hidden"}, "returns (2, 8) for 2 examples; it must return logits (2, 3)."),
        ("Nested", {"_output_": "all"}, "returns a dict for 2 examples; it must return logits (2, 3), or"),
    ],
)  # fmt: skip
def test_what_is_no_output_is_said(name, arguments, sentence, tmp_path):
    with pytest.raises(ConfigError) as caught:
        check_user_code(of(name, **arguments), tmp_path)
    assert sentence in str(caught.value)
    assert "ConfigError" not in str(caught.value)


def test_the_output_is_a_key_beside_the_arguments():
    named, argument = of("Mapped", _output_="logits"), of("Mapped", output="logits")
    assert (named.model.output, dict(named.model.arguments)) == ("logits", {})
    assert (argument.model.output, dict(argument.model.arguments)) == (None, {"output": "logits"})
    keys = [cell_key(one) for one in (of("Mapped"), named, argument, of("Mapped", _output_=0))]
    assert len(set(keys)) == 4
    assert of("Mapped").model.model_dump() == {"_target_": "mylab.kinds.Mapped"}
    for config in (named, argument):
        assert run_config(config.model_dump(mode="json")) == config
        assert run_config(canonical(config)).model == config.model
    for wrong in (True, -1, 0.5, "", ["logits"]):
        with pytest.raises(
            ConfigError, match="^model._output_=.* is not allowed: it must be the name"
        ):
            of("Mapped", _output_=wrong)
    with pytest.raises(ConfigError, match="must be the name of a keyword argument"):
        run_config({**BASE, "model": {"name": "mlp"}, "loss": {"_target_": "a.b", "_output_": "x"}})


def of_tokens(name, task):
    data = {"_target_": "mylab.data.of_kind", "task": task, "kind": "tokens"}
    return run_config({**BASE, "data": data, "model": {"_target_": f"mylab.kinds.{name}"}})


@pytest.mark.parametrize(
    ("name", "task", "score"),
    [("Speaker", "next_token", "test/bits_per_byte"), ("Listener", "classification", "test/nll")],
)
def test_a_model_may_read_tokens(name: str, task: str, score: str, tmp_path) -> None:
    config = of_tokens(name, task)
    check_user_code(config, tmp_path)
    (record,) = train(config, data_sets.load(config.data, tmp_path), [0])
    assert np.isfinite(record.metrics[score])
    assert record.evaluations[-1]["validation/loss"] < record.evaluations[0]["validation/loss"]


@pytest.mark.parametrize(
    ("name", "task", "wanted"),
    [
        ("Speaker", "classification", r"returns \(2, 12, 2\) .* must return logits \(2, 2\)"),
        ("Listener", "next_token", r"returns \(2, 5\) .* must return logits \(2, 12, 5\)"),
    ],
)
def test_outputs_of_another_shape_are_refused(name: str, task: str, wanted: str, tmp_path) -> None:
    with pytest.raises(ConfigError, match=wanted):
        check_user_code(of_tokens(name, task), tmp_path)

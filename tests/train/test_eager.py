"""Optimizers of torch without the import of its compiler: the same steps."""

import subprocess
import sys

import pytest
import torch

from ablate.train.eager import eager


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW", "Adagrad", "RMSprop", "Adadelta"])
def test_it_takes_the_same_steps_to_the_bit(name: str) -> None:
    kind = getattr(torch.optim, name)
    ends = []
    for made_by in (kind, eager(kind)):
        generator = torch.Generator().manual_seed(0)
        weight = torch.nn.Parameter(torch.randn(3, 17, generator=generator))
        optimizer = made_by([weight], lr=0.01, weight_decay=0.1)
        for _ in range(5):
            weight.grad = torch.randn(3, 17, generator=generator)
            optimizer.step()
            optimizer.zero_grad()
            assert weight.grad is None
        ends.append(weight.detach())
        assert isinstance(optimizer, kind)
    assert torch.equal(*ends)


def test_no_compiler_is_imported() -> None:
    code = (
        "import sys, torch\n"
        "from ablate.train.adam import UncorrectedAdam\n"
        "from ablate.train.eager import eager\n"
        "weight = torch.nn.Parameter(torch.ones(2))\n"
        "o = torch.optim\n"
        "for kind in (o.SGD, o.Adam, o.AdamW, o.Adagrad, o.RMSprop, o.Adadelta):\n"
        "    made = eager(kind)([weight])\n"
        "    weight.grad = torch.ones(2)\n"
        "    made.step()\n"
        "    made.zero_grad()\n"
        "groups = {'lr': 0.1, 'betas': (0.9, 0.99), 'eps': 1e-8, 'weight_decay': 0.0}\n"
        "eager(UncorrectedAdam)([weight], groups)\n"
        "print('torch._dynamo' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"

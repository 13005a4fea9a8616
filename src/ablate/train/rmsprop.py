"""RMSProp with Nesterov's momentum, which torch does not have."""

from typing import Any

import torch


class NesterovRmsProp(torch.optim.Optimizer):
    """RMSProp whose divided gradients pass through Nesterov's momentum.

    a <- alpha a + (1 - alpha) g^2, u = g / (sqrt(a) + eps), v <- momentum v + u, and
    w <- w - lr (u + momentum v), as `torch.optim.SGD` with `nesterov` has it for u = g. Groups
    have `lr`, `alpha`, `eps`, `momentum` and `weight_decay`.
    """

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """Take one step from the gradients."""
        for group in self.param_groups:
            params = [p for p in group["params"] if p.grad is not None]
            if not params:
                continue
            for p in params:
                if not self.state[p]:
                    self.state[p] = {"a": torch.zeros_like(p), "v": torch.zeros_like(p)}
            gradients = tuple(p.grad for p in params)
            if group["weight_decay"]:
                gradients = torch._foreach_add(gradients, params, alpha=group["weight_decay"])
            a = [self.state[p]["a"] for p in params]
            v = [self.state[p]["v"] for p in params]
            torch._foreach_mul_(a, group["alpha"])
            torch._foreach_addcmul_(a, gradients, gradients, 1 - group["alpha"])
            root = torch._foreach_sqrt(a)
            torch._foreach_add_(root, group["eps"])
            divided = torch._foreach_div(gradients, root)
            torch._foreach_mul_(v, group["momentum"])
            torch._foreach_add_(v, divided)
            torch._foreach_add_(params, divided, alpha=-group["lr"])
            torch._foreach_add_(params, v, alpha=-group["lr"] * group["momentum"])

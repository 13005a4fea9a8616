"""Adam without bias correction, which torch does not have."""

from typing import Any

import torch


class UncorrectedAdam(torch.optim.Optimizer):
    """w <- w - lr * m / (sqrt(v) + eps), m and v the running averages as they are.

    Both start from zero and are not corrected for it: with betas 0.9 and 0.999 the first steps
    are 3 to 6.6 times as long as Adam's (Kingma & Ba 2015, section 3). Groups have `lr`, `betas`,
    `eps` and `weight_decay`.
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
                    self.state[p] = {"m": torch.zeros_like(p), "v": torch.zeros_like(p)}
            gradients = tuple(p.grad for p in params)
            if group["weight_decay"]:
                gradients = torch._foreach_add(gradients, params, alpha=group["weight_decay"])
            m = [self.state[p]["m"] for p in params]
            v = [self.state[p]["v"] for p in params]
            beta1, beta2 = group["betas"]
            torch._foreach_lerp_(m, gradients, 1 - beta1)
            torch._foreach_mul_(v, beta2)
            torch._foreach_addcmul_(v, gradients, gradients, 1 - beta2)
            denominator = torch._foreach_sqrt(v)
            torch._foreach_add_(denominator, group["eps"])
            torch._foreach_addcdiv_(params, m, denominator, -group["lr"])

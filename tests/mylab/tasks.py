"""A task of one's own: grades in order, for which it matters by how many one is wrong."""

import numpy as np
import torch
import torch.nn.functional as F


class Grades:
    """K grades from 0 by K - 1 thresholds: output k says whether the grade is above k."""

    watched = "mean_miss"

    def outputs(self, targets):
        return int(targets.max())

    def loss(self, outputs, targets):
        above = (targets[:, None] > torch.arange(outputs.shape[1])).float()
        return F.binary_cross_entropy_with_logits(outputs, above)

    def scores(self, outputs, targets):
        above = targets[:, None] > np.arange(outputs.shape[1])
        miss = np.abs((outputs > 0).sum(axis=1) - targets)
        return {
            "loss": float((np.logaddexp(0, outputs) - outputs * above).mean()),
            "mean_miss": float(miss.mean()),
            "exact": float((miss == 0).mean()),
        }

    def learnt(self, scores, targets):
        return scores["mean_miss"] < 0.98 * np.abs(targets - np.median(targets)).mean()


class WithoutScores:
    def outputs(self, targets):
        return 1

    def loss(self, outputs, targets):
        return outputs.mean()


class WithoutLoss(Grades):
    def scores(self, outputs, targets):
        return {"mean_miss": 1.0}


class Flat(Grades):
    def loss(self, outputs, targets):
        return 0.0 * outputs.sum() / 0.0

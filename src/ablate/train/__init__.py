"""Training: from a validated run config, tensors and seeds to records.

Knows nothing of studies, MLflow or reports.
"""

#: Examples of a forward pass at inference. Fixed: it may decide the last bits of a logit. From here
#: on a network alone and stacks gain little (100: a third slower alone), and convolutions nothing.
BATCH = 200

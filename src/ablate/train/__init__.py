"""Training: from a validated run config, tensors and seeds to records.

Knows nothing of studies, MLflow or reports.
"""

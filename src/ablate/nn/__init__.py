"""Networks with a leading replicate dimension, and how their weights are drawn."""

from ablate.nn.initialization import initialize
from ablate.nn.models import build, check
from ablate.nn.network import Network, multiply_adds, parameter_count

__all__ = ["Network", "build", "check", "initialize", "multiply_adds", "parameter_count"]

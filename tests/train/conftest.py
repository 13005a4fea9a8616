import torch

from ablate.train import prepare_process

# As a worker does, and before any test multiplies matrices: MKL reads its settings once.
prepare_process()
# But not for the other tests of this process: hypothesis refuses to run without denormals.
torch.set_flush_denormal(False)

"""What holds for all tests: the settings of a worker process, in which bits are promised."""

import os

# Before any test imports torch: OpenMP and MKL read these once.
os.environ |= {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "MKL_CBWR": "AUTO"}

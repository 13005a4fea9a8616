import subprocess
import sys

PROGRAM = """
from ablate.train.process import prepare_process
import sys
assert "torch" not in sys.modules, "a setting would come too late"
prepare_process()
import torch
print(torch.get_num_threads(), float(torch.tensor(1e-40) * 1.0))
# Ten classes, an odd batch: results of replicates that do not lie at multiples of 16 bytes.
torch.manual_seed(0)
x, w, b = torch.randn(8, 37, 100), torch.randn(8, 100, 10), torch.randn(8, 1, 10)
whole = torch.baddbmm(b, x, w)
alone = [torch.baddbmm(b[r : r + 1], x[r : r + 1], w[r : r + 1])[0] for r in range(8)]
print(all(torch.equal(*pair) for pair in zip(whole, alone)))
"""


def test_a_prepared_process():
    result = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True
    )
    assert result.stdout.split("\n")[:2] == ["1 0.0", "True"], result.stderr

"""The small cell that most tests of training start from."""

SMALL = {
    "data": {"name": "synthetic", "train_examples": 350, "test_examples": 60,
             "validation_size": 50, "shape": [20]},
    "model": {"name": "mlp", "width": 100, "depth": 2},
    "optimizer": {"name": "momentum", "lr": 0.05},
    # 300 examples in batches of 37: eight whole ones and a last one of 4.
    "trainer": {"epochs": 3, "batch_size": 37},
    "probe": {"steps": "ends", "examples": 64, "histograms": True},
}  # fmt: skip

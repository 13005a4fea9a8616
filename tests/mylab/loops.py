"""Training loops that existed before, each a function that tells a run of what it does."""

import copy
from dataclasses import dataclass, field

import torch
from torch import nn
from torch.nn import functional


def _net(streams, inputs, classes, width):
    """Return a network of one hidden layer with draws of the replicate's own."""
    streams.seed_globally("init", "net")
    return nn.Sequential(nn.Linear(inputs, width), nn.Tanh(), nn.Linear(width, classes))


def _batches(data, streams, epoch, size):
    x, y = data.train
    order = streams.numpy("order", epoch).permutation(len(x))
    for part in torch.from_numpy(order).split(size):
        yield x[part], y[part]


@torch.no_grad()
def _scored(net, pair, part):
    x, y = pair
    logits = net(x)
    return {
        f"{part}/loss": functional.cross_entropy(logits, y),
        f"{part}/accuracy": (logits.argmax(1) == y).float().mean(),
    }


def plain(config, data, streams, run, epochs=4, batch_size=32, width=16):
    """Train as a script in plain PyTorch does."""
    net = _net(streams, data.train[0].shape[1], data.classes, width)
    optimizer = torch.optim.SGD(net.parameters(), lr=config.optimizer.lr)
    per_epoch = -(-len(data.train[0]) // batch_size)
    steps, step, best = epochs * per_epoch, 0, net.state_dict()
    run.evaluate(0, _scored(net, data.validation, "validation"))
    run.probe(0, net, *data.train)
    for epoch in range(epochs):
        for x, y in _batches(data, streams, epoch, batch_size):
            for group in optimizer.param_groups:
                group["lr"] = run.learning_rate(step, steps, per_epoch)
            loss = functional.cross_entropy(net(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            run.loss(loss)
            step += 1
            if step in run.probe_steps(steps):
                run.probe(step, net, *data.train)
        over = run.evaluate(step, _scored(net, data.validation, "validation"))
        if run.is_best:
            best = copy.deepcopy(net.state_dict())
        if over:
            run.probe(step, net, *data.train)
            break
    net.load_state_dict(best)
    return _scored(net, data.test, "test")


class ShapedLikeLightning(nn.Module):
    """What a LightningModule has, and the loop beside it calls, without the package."""

    def __init__(self, net, lr):
        super().__init__()
        self.net, self.lr = net, lr

    def forward(self, x):
        return self.net(x)

    def training_step(self, batch, batch_idx):
        x, y = batch
        return functional.cross_entropy(self(x), y)

    def validation_step(self, batch, batch_idx):
        return _scored(self, batch, "validation")

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=self.lr)


class Fit:
    """A loop with hooks around a module, as Lightning has one."""

    def __init__(self, max_epochs, callbacks):
        self.max_epochs, self.callbacks, self.should_stop = max_epochs, callbacks, False
        self.global_step = 0

    def fit(self, module, batches, validation):
        optimizer = module.configure_optimizers()
        self._tell("on_validation_end", module, module.validation_step(validation, 0))
        for epoch in range(self.max_epochs):
            module.train()
            for number, batch in enumerate(batches(epoch)):
                loss = module.training_step(batch, number)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                self.global_step += 1
                self._tell("on_train_batch_end", module, loss)
            module.eval()
            self._tell("on_validation_end", module, module.validation_step(validation, 0))
            if self.should_stop:
                return

    def _tell(self, hook, module, value):
        for callback in self.callbacks:
            getattr(callback, hook)(self, module, value)


class Tells:
    """A callback of the loop above."""

    def __init__(self, run, data):
        self.run, self.data = run, data

    def on_train_batch_end(self, trainer, module, loss):
        self.run.loss(loss)

    def on_validation_end(self, trainer, module, values):
        self.run.probe(trainer.global_step, module, *self.data.train)
        trainer.should_stop |= self.run.evaluate(trainer.global_step, values)


def shaped_like_lightning(config, data, streams, run, epochs=4):
    net = _net(streams, data.train[0].shape[1], data.classes, 16)
    module = ShapedLikeLightning(net, run.learning_rate(0, 1, 1))
    trainer = Fit(max_epochs=epochs, callbacks=[Tells(run, data)])
    trainer.fit(module, lambda epoch: _batches(data, streams, epoch, 32), data.validation)
    return _scored(module, data.test, "test")


@dataclass
class TrainingArguments:
    """As Hugging Face calls what a Trainer is told."""

    learning_rate: float = 1e-2
    num_train_epochs: int = 4
    per_device_train_batch_size: int = 32
    eval_steps: int = 5
    metric_for_best_model: str = "validation/loss"


@dataclass
class TrainerState:
    global_step: int = 0
    log_history: list = field(default_factory=list)


@dataclass
class TrainerControl:
    should_training_stop: bool = False


class Output(dict):
    """What a model of `transformers` returns: a mapping with attributes."""

    __getattr__ = dict.__getitem__


class ForClassification(nn.Module):
    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, inputs, labels=None):
        logits = self.net(inputs)
        loss = None if labels is None else functional.cross_entropy(logits, labels)
        return Output(loss=loss, logits=logits)


class Trainer:
    """A loop with arguments, `compute_loss` and callbacks, as in `transformers`."""

    def __init__(self, model, args, batches, evaluation, callbacks):
        self.model, self.args, self.batches, self.evaluation = model, args, batches, evaluation
        self.callbacks, self.state, self.control = callbacks, TrainerState(), TrainerControl()

    def compute_loss(self, model, inputs):
        return model(**inputs).loss

    def train(self):
        optimizer = torch.optim.AdamW(self.model.parameters(), lr=self.args.learning_rate)
        since = []
        for epoch in range(self.args.num_train_epochs):
            for x, y in self.batches(epoch):
                loss = self.compute_loss(self.model, {"inputs": x, "labels": y})
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                since.append(loss.item())
                self.state.global_step += 1
                if self.state.global_step % self.args.eval_steps == 0:
                    logs = {"loss": sum(since) / len(since), **self.evaluate()}
                    since.clear()
                    for callback in self.callbacks:
                        callback.on_evaluate(self.args, self.state, self.control, logs)
                    if self.control.should_training_stop:
                        return

    def evaluate(self):
        scores = _scored(lambda x: self.model(x).logits, self.evaluation, "validation")
        return {name.replace("validation/", "eval_"): float(v) for name, v in scores.items()}


class ToRun:
    """A callback that passes on what a Trainer logs, under the names that a study knows."""

    def __init__(self, run):
        self.run = run

    def on_evaluate(self, args, state, control, logs):
        names = {"loss": "train/loss", "eval_loss": "validation/loss",
                 "eval_accuracy": "validation/accuracy"}  # fmt: skip
        values = {names[name]: value for name, value in logs.items()}
        control.should_training_stop |= self.run.evaluate(state.global_step, values)


def shaped_like_transformers(config, data, streams, run, epochs=4):
    model = ForClassification(_net(streams, data.train[0].shape[1], data.classes, 16))
    args = TrainingArguments(learning_rate=config.optimizer.lr, num_train_epochs=epochs)
    batches = lambda epoch: _batches(data, streams, epoch, args.per_device_train_batch_size)  # noqa: E731
    trainer = Trainer(model, args, batches, data.validation, [ToRun(run)])
    trainer.train()
    run.probe(trainer.state.global_step, model.net, *data.train)
    return _scored(lambda x: model(x).logits, data.test, "test")


def lightning(config, data, streams, run, epochs=4):
    """Train a LightningModule by Lightning's own Trainer."""
    import logging

    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    import lightning as L
    from torch.utils.data import DataLoader, TensorDataset

    class Module(L.LightningModule):
        def __init__(self, net):
            super().__init__()
            self.net = net

        def forward(self, x):
            return self.net(x)

        def training_step(self, batch, batch_idx):
            return functional.cross_entropy(self(batch[0]), batch[1])

        def validation_step(self, batch, batch_idx):
            self.log_dict(_scored(self, batch, "validation"))

        def configure_optimizers(self):
            return torch.optim.Adam(self.parameters(), lr=config.optimizer.lr)

    class Callback(L.Callback):
        def on_train_batch_end(self, trainer, module, outputs, batch, batch_idx):
            run.loss(outputs["loss"])

        def on_validation_end(self, trainer, module):
            run.probe(trainer.global_step, module, *data.train)
            if run.evaluate(trainer.global_step, trainer.callback_metrics):
                trainer.should_stop = True

    module = Module(_net(streams, data.train[0].shape[1], data.classes, 16))
    trainer = L.Trainer(
        max_epochs=epochs, accelerator="cpu", logger=False, enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False, num_sanity_val_steps=0,
        callbacks=[Callback()], default_root_dir=".",
    )  # fmt: skip
    shuffled = DataLoader(TensorDataset(*data.train), batch_size=32, shuffle=True)
    trainer.fit(module, shuffled, DataLoader(TensorDataset(*data.validation), batch_size=1000))
    return _scored(module, data.test, "test")

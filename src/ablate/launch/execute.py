"""Training one job, in whatever process: it knows of no executor and no pipe."""

import errno
import traceback
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from datetime import UTC, datetime

from ablate import data, user
from ablate.config import RunConfig
from ablate.config.source import source_run
from ablate.errors import AblateError, ConfigError
from ablate.launch.job import Event, Job, Task
from ablate.records import Record
from ablate.secrets import masked
from ablate.store.ledger import write_failure, write_run
from ablate.store.provenance import provenance
from ablate.streams import Streams


class DiskFullError(AblateError):
    """What is trained cannot be kept: going on would be for nothing."""


def execute(job: Job, loaded: dict[str, data.Data]) -> Iterator[Event]:
    """Train the runs of a job and write them; yield that it begins, then each run as it ends.

    loaded  the data of the job before, which this one may share; kept by the caller

    What a run raises, `SystemExit` included, is written down and makes it a failed one. Raises
    ConfigError where the device has too little memory, DiskFullError where a run cannot be
    written: no faults of the runs, which stay to do.
    Call `ablate.train.process.prepare_process` before.
    """
    from torch import OutOfMemoryError

    yield Event(job)
    started = datetime.now(UTC).isoformat(timespec="milliseconds")
    left = list(job.tasks)  # a later run of the stack costs no finished one
    try:
        with chdir("."):  # the user's own code may leave for another folder
            records = train_job(job, loaded)
        facts = provenance(job.device, data.digest_of_all(job.config), job.config.seed)
        if code := user.folders(job.config, job.root):
            facts["code"] = code  # where `ablate verify` finds it again
        resolved = job.config.model_dump(mode="json")
        for task, record in zip(job.tasks, records, strict=True):
            with room_for(task):
                write_run(task.directory, record, resolved, task.key, facts, started)
            left.remove(task)
            yield Event(job, task, record.status, _how_it_ended(record))
    except (KeyboardInterrupt, GeneratorExit, DiskFullError):
        raise
    except OutOfMemoryError as error:
        raise ConfigError(_advice(job, str(error).partition(".")[0])) from error
    except BaseException as error:
        known = isinstance(error, AblateError)
        message = f"{type(error).__name__}: {error}{user.line_of(error, job.config)}"
        message = str(error) if known else message
        log = traceback.format_exc()
        for task in left:
            yield failed(job, task, message, log, started)


def failed(job: Job, task: Task, message: str, log: str, started: str | None = None) -> Event:
    """Write a failed run with its config and where it failed; return the event that says so.

    Raises DiskFullError where there is no room for it.
    """
    message, log = masked(message), masked(log)
    facts = provenance(job.device, data.digest_of_all(job.config), job.config.seed)
    resolved = job.config.model_dump(mode="json")
    try:
        with room_for(task):
            write_failure(task.directory, task.key, message, log, resolved, facts, started)
    except OSError as error:  # somebody else's folder: say it, and go on with the next run
        message = f"{message} (its log could not be written: {error})"
    return Event(job, task, "failed", message)


@contextmanager
def room_for(task: Task) -> Iterator[None]:
    """Raise DiskFullError for what the system raises where a run's entry has no room."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise DiskFullError(
            f"{task.directory}: {error.strerror}; the runs that ended are kept, and the same "
            "command goes on where there is room."
        ) from error


def train_job(job: Job, loaded: dict[str, data.Data]) -> list[Record]:
    """Return the record of each task of a job, in order; `loaded` as for `execute`."""
    from ablate.train.loop import train

    source = source_run(job.config)
    if job.tasks[0].members:
        (own,) = _loaded(job, loaded, job.config)
        return [_formed(job, task, own) for task in job.tasks]
    own, *other = _loaded(job, loaded, job.config, *([source] if source else []))
    replicates = [task.replicate for task in job.stack]
    members = [task.member for task in job.stack]
    trained = train(
        job.config, own, replicates, job.device, members, source=other[0] if other else None
    )
    by_task = dict(zip(job.stack, trained, strict=True))
    return [by_task[task] for task in job.tasks]


def _loaded(job: Job, loaded: dict[str, data.Data], *configs: RunConfig) -> list[data.Data]:
    """Return the data of each config; what else `loaded` has is dropped from memory."""
    wanted = {f"{one.data.model_dump_json()} {one.seed}": one for one in configs}
    for name in loaded.keys() - wanted.keys():
        del loaded[name]
    for name, one in wanted.items():
        if name not in loaded:
            loaded[name] = data.load(one.data, job.root, one.seed)
    return [loaded[name] for name in wanted]


def _formed(job: Job, task: Task, loaded: data.Data) -> Record:
    """Return the record of an ensemble, its test set in the units of what its members train on."""
    from ablate.launch.ensemble_run import form
    from ablate.tasks import build_task

    config, predicted = job.config, build_task(job.config, loaded.task)
    streams = Streams(config.entropy, task.replicate, vary=config.trainer.vary)
    trained = loaded.train[1][data.split(loaded, config.data, streams).labelled]
    targets = predicted.scaled(loaded.test[1], trained).numpy()
    return form(config, predicted, task.members, targets)


def _how_it_ended(record: Record) -> str:
    if record.nc_reason == "nonfinite" and record.diverged_at_step is None:
        return "n/c (a metric is not finite)"
    if record.nc_reason == "nonfinite":
        return f"n/c at step {record.diverged_at_step} (loss not finite)"
    return "n/c (nothing learnt)" if record.nc_reason else ""


def _advice(job: Job, message: str) -> str:
    together = len(job.stack)
    asked, instead = "one replicate", "trainer.device=cpu, or a smaller trainer.batch_size or model"
    if together > 1:
        asked = f"trainer.stack={together} replicates"
        instead = f"trainer.stack={together // 2}, or off for one at a time"
    return f"{job.name}: the device has too little memory for {asked} ({message}); take {instead}."

"""A worker process: one thread, one job at a time, until the parent hangs up."""

from __future__ import annotations

import os
import signal
import threading
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime
from multiprocessing import parent_process
from multiprocessing.connection import Connection, wait
from typing import TYPE_CHECKING

from ablate.launch.job import Job
from ablate.launch.marks import marked
from ablate.records import Record

if TYPE_CHECKING:
    from ablate.data import Data

#: Sent when a job begins: how long a process took to start is no part of a run.
BEGUN = "begun"
#: The status of a job for which the device has too little memory.
SHORT = "short of memory"
#: (position of the task in its job, status, message)
Outcome = tuple[int, str, str]


def work(connection: Connection, environment: Mapping[str, str]) -> None:
    """Train the jobs that arrive; send an outcome per run and None when the job is through.

    The process it is a copy of may have started earlier, in another `environment`.
    """
    os.environ.clear()
    os.environ.update(environment)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to answer
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    from ablate.train import prepare_process

    prepare_process(threads=1)
    loaded: tuple[str, Data] | None = None
    while True:
        try:
            job: Job = connection.recv()
        except EOFError:
            return
        connection.send(BEGUN)
        try:
            with marked(task.directory for task in job.tasks):
                loaded = _run(job, loaded, connection)
        except OSError as error:  # a full disk, a folder that cannot be made
            for position in range(len(job.tasks)):
                connection.send((position, "failed", f"{type(error).__name__}: {error}"))
        connection.send(None)


def _run(job: Job, loaded: tuple[str, Data] | None, out: Connection) -> tuple[str, Data] | None:
    """Train one job and write its runs; return the data, which the next job may share."""
    from torch import OutOfMemoryError

    from ablate import data
    from ablate.launch.ensemble_run import form
    from ablate.store.ledger import write_failure, write_run
    from ablate.store.provenance import provenance
    from ablate.train import train

    started = datetime.now(UTC).isoformat(timespec="milliseconds")
    written: set[int] = set()
    try:
        wanted = f"{job.config.data.model_dump_json()} {job.config.seed}"
        if loaded is None or loaded[0] != wanted:
            loaded = wanted, data.load(job.config.data, job.root, job.config.seed)
        facts = provenance(job.device, data.digest(job.config.data), job.config.seed)
        if job.tasks[0].members:
            labels = loaded[1].test[1].numpy()
            records = [form(job.config, task.members, labels) for task in job.tasks]
        else:
            stack = job.stack
            replicates, members = [t.replicate for t in stack], [t.member for t in stack]
            trained = train(job.config, loaded[1], replicates, job.device, members=members)
            by_task = dict(zip(stack, trained, strict=True))
            records = [by_task[task] for task in job.tasks]
        resolved = job.config.model_dump(mode="json")
        for position, (task, record) in enumerate(zip(job.tasks, records, strict=True)):
            write_run(task.directory, record, resolved, task.key, facts, started)
            written.add(position)
            out.send((position, record.status, _how_it_ended(record)))
    except KeyboardInterrupt:
        raise
    except OutOfMemoryError as error:  # of a GPU: no fault of the run, which stays to do
        out.send((0, SHORT, str(error).partition(".")[0]))
    except BaseException as error:  # a sys.exit in user code is a failed run like any other
        message = f"{type(error).__name__}: {error}"
        for position, task in enumerate(job.tasks):
            if position in written:
                continue  # a later run of the stack costs no finished one
            try:
                write_failure(task.directory, task.key, message, traceback.format_exc())
            except OSError as second:  # a full disk: say it, and go on with the next job
                message = f"{message} (its log could not be written: {second})"
            out.send((position, "failed", message))
    return loaded


def _how_it_ended(record: Record) -> str:
    if record.nc_reason == "nonfinite" and record.diverged_at_step is None:
        return "n/c (a metric is not finite)"
    if record.nc_reason == "nonfinite":
        return f"n/c at step {record.diverged_at_step} (loss not finite)"
    return "n/c (nothing learnt)" if record.nc_reason else ""


def _end_with_parent() -> None:
    """Leave no orphan behind: a parent that was killed cannot say so."""
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)

"""A worker process of the local executor: one thread, one job at a time."""

import os
import signal
import threading
from collections.abc import Mapping
from multiprocessing import parent_process
from multiprocessing.connection import Connection, wait

from ablate import data
from ablate.errors import AblateError
from ablate.launch.execute import execute
from ablate.launch.printing import print_at_no_cost
from ablate.launch.processor import check_capability


def work(connection: Connection, environment: Mapping[str, str]) -> None:
    """Execute the jobs that arrive; send their events and, when one is through, None.

    Sends the error of a job that ends the sweep: too little memory, a full disk. The process it
    is a copy of may have started earlier, in another `environment`.
    """
    os.environ.clear()
    os.environ.update(environment)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to answer
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    print_at_no_cost()  # what the user's own code prints, too
    from ablate.train.process import prepare_process

    loaded: dict[str, data.Data] = {}
    while True:
        try:
            job = connection.recv()
        except EOFError:
            return
        try:
            capability = job.config.trainer.cpu_capability
            check_capability(capability)
            prepare_process(1, capability)  # anew: the user's own code may have changed it
            for event in execute(job, loaded):
                connection.send(event)
        except AblateError as end:
            connection.send(end)
        connection.send(None)


def _end_with_parent() -> None:
    """Leave no orphan behind: a parent that was killed cannot say so."""
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)

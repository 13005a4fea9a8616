"""A module per command: `add_arguments(parser)`, and `run(options)` to an exit code."""

#: What each command is for. Its module is imported when it is typed, so that none slows another.
COMMANDS = {
    "run": "train one cell; with -m a Hydra multirun",
    "sweep": "train what a study declares, and report",
    "work": "train what a study has declared, beside other workers",
    "plan": "what a sweep would train and could tell; trains nothing",
    "check": "try every cell of a study for a second, before a sweep",
    "new": "write a commented study file to start from",
    "schema": "the JSON Schema of a study file, for editors",
    "explain": "why a run is not the finished one beside it",
    "trace": "from a number in a report to its runs",
    "verify": "train a run again and compare it with what is kept",
    "clean": "remove runs that no study asks for any more",
    "merge": "bring the runs of other folders into this one",
    "pack": "make one file of a finished study, which report and load read",
    "status": "runs done, n/c, failed, running, missing, stale",
    "report": "regenerate reports from the ledger",
    "ui": "the MLflow UI over the runs, on 127.0.0.1",
    "sync": "rebuild the MLflow store from the ledger",
    "data": "fetch and verify data sets",
    "studies": "every study, its question and its status",
}

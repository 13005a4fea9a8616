"""The ledger of runs, and trackers as its mirrors."""

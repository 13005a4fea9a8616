"""Running a plan: the worker pool, the sweep, its progress."""

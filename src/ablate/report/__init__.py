"""From the ledger to frames, statistics, tables, figures and pages."""

"""Looks at growing data: the tables that are shipped, and what the rule costs and finds.

`python -m bench.looks --tables` writes `src/ablate/stats/looks.json` (a minute, 2 GB of memory).
"""

import sys
from pathlib import Path

from ablate.stats import looks as _looks

TABLES = Path(_looks.__file__).with_name("looks.json")


def main() -> None:
    if "--tables" in sys.argv[1:]:
        TABLES.write_text(_looks.tables(), encoding="utf-8")


if __name__ == "__main__":
    main()

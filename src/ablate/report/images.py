"""What a report needs from the data set itself: a few images, before and after augmentation.

Read once, while the ledger and the data are at hand; a report is then drawn from what lies
beside it, also in a clone that has no data.
"""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ablate import data
from ablate.config import RunConfig
from ablate.config.target import Target
from ablate.study.items import ContactSheet
from ablate.study.lockfile import Locked

NAME = "images.parquet"
_SHOWN = 8
_SEED = 1


def write_images(locked: Locked, root: Path, directory: Path) -> None:
    """Write training images, one of each of the first classes, as each level changes them.

    One row per level and image: level, position, channels, height, width and pixels (uint8).
    Does nothing for a study without a contact sheet, or where the data is no images.
    """
    sheet = next((one for one in locked.study.report if isinstance(one, ContactSheet)), None)
    if sheet is None:
        return
    import torch

    from ablate.data.augmentation import samples

    factor = sheet.role("rows", locked.study)
    by_level: dict[str, RunConfig] = {}
    for cell in locked.cells:
        if factor.name in cell.levels:  # a control has none
            by_level.setdefault(cell.levels[factor.name], cell.config)
    config = next(iter(by_level.values()))
    x, y = data.load(config.data, root, config.seed).train
    if x.ndim != 4:
        return
    first = [int((y == label).nonzero()[0]) for label in sorted(set(y.tolist()))[:_SHOWN]]
    images = x[first].float() / (255 if x.dtype == torch.uint8 else 1)
    rows = []
    for level in factor.levels:
        settings = by_level[level.name].augment
        assert not isinstance(settings, Target)  # see `ContactSheet.lacks`
        changed = samples(images, settings, _SEED)
        stored = (255 * changed.clamp(0, 1)).round().to(torch.uint8).numpy()
        for position, image in enumerate(stored):
            size = dict(zip(("channels", "height", "width"), image.shape, strict=True))
            place = {"level": level.name, "position": position}
            rows.append({**place, **size, "pixels": image.tobytes()})
    pq.write_table(pa.Table.from_pylist(rows), directory / NAME, compression="zstd")

"""How fast images are prepared and duplicates found: `python benchmarks/data.py`."""

import json
import os
import platform
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import PIL
from PIL import Image

from slugkit.data.duplicates import Fingerprints, near_duplicates
from slugkit.data.prepare import prepare
from slugkit.files import atomic_path

RESULTS = Path(__file__).parent / "results" / "data.json"
IMAGES = 1000
HASHES = 16_577  # as many as Fitzpatrick17k has images


def photographs(folder: Path, rng: np.random.Generator) -> pd.DataFrame:
    """Write JPEGs of 600 x 450 with smooth colours and sensor noise; return an index table."""
    for k in range(IMAGES):
        coarse = Image.fromarray(rng.integers(0, 256, (12, 16, 3), np.uint8))
        smooth = np.asarray(coarse.resize((600, 450), Image.Resampling.BICUBIC), np.float32)
        noisy = smooth + rng.normal(0, 6, smooth.shape)
        picture = Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8))
        picture.save(folder / f"{k:04}.jpg", quality=90)
    names = [f"{k:04}" for k in range(IMAGES)]
    return pd.DataFrame(
        {"image_id": names, "file": [f"{name}.jpg" for name in names], "group": names}
    )


def timed_prepare(rng: np.random.Generator) -> dict[str, object]:
    """Time the whole of `prepare`: decoding, digests, duplicates and the files."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        table = photographs(folder, rng)
        start = time.perf_counter()
        prepare(table, folder, folder / "out", 128)
        seconds = time.perf_counter() - start
    return {
        "images": IMAGES,
        "pixels": [600, 450],
        "seconds": round(seconds, 2),
        "images per second": round(IMAGES / seconds),
        "wanted images per second": 200,
    }


def timed_grouping(rng: np.random.Generator) -> dict[str, object]:
    """Time the comparison of all pairs, with 2 % of the images a copy of another."""
    hashes = rng.integers(0, 2**63, HASHES, dtype=np.uint64)
    thumbnails = rng.normal(size=(HASHES, 1024)).astype(np.float32)
    copies = HASHES // 50
    hashes[-copies:] = hashes[:copies] ^ np.uint64(0b101)
    thumbnails[-copies:] = thumbnails[:copies]
    thumbnails /= np.linalg.norm(thumbnails, axis=1, keepdims=True)
    start = time.perf_counter()
    pairs = near_duplicates(Fingerprints(hashes, thumbnails))
    seconds = time.perf_counter() - start
    return {
        "hashes": HASHES,
        "seconds": round(seconds, 2),
        "wanted seconds": 30,
        "copies": copies,
        "pairs found": len(pairs),
    }


def main() -> None:
    """Run both and write the results."""
    load = os.getloadavg()[0]
    rng = np.random.default_rng(0)
    record = {
        "prepare": timed_prepare(rng),
        "duplicates": timed_grouping(rng),
        "machine": {
            "system": platform.platform(),
            "processor": platform.machine(),
            "cores": os.cpu_count(),
            "load before": round(load, 1),
            "python": platform.python_version(),
            "numpy": np.__version__,
            "pillow": PIL.__version__,
        },
    }
    with atomic_path(RESULTS) as path:
        path.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(record, indent=2))


if __name__ == "__main__":
    main()

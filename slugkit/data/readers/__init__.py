"""Readers: from the folder of one data set to its index table."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from slugkit.data.readers import clinical, fitzpatrick, isic

READERS: dict[str, Callable[[Path], pd.DataFrame]] = {
    "pad_ufes_20": clinical.pad_ufes_20,
    "ham10000": clinical.ham10000,
    "passion": clinical.passion,
    "scin": clinical.scin,
    "ddi": clinical.ddi,
    "fitzpatrick17k": fitzpatrick.fitzpatrick17k,
    "fitzpatrick17k_c": fitzpatrick.fitzpatrick17k_c,
    "isic2017": isic.isic2017,
    "isic2018": isic.isic2018,
    "isic2019": isic.isic2019,
    "isic2020": isic.isic2020,
    "milk10k": isic.milk10k,
}

"""What a step and a page of the book are: each declared once, beside the code that makes it.

The rules of the Snakefile, the command line, the plan, the status page, what is recorded and the
provenance of every page follow from these declarations.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum

from companion.config import DATASETS, MIXED, Profile
from companion.pipeline.cost import Cost


class Scope(Enum):
    """Which jobs a step has."""

    SEED = "each seed"
    NETWORK = "each seed and training set"
    MIXED = "each seed, training set B"
    FIRST = "the first seed, training set B"


@dataclass(frozen=True)
class Step:
    """One step of the graph, run once for each job of its scope.

    Files are named by what they hold. Those under `data/` belong to a seed, all others to one of
    its networks; "{dataset}" stands for the training set.
    """

    name: str
    scope: Scope
    run: str  # "package.module:function" of (job, facts), imported only when the step runs
    outputs: tuple[str, ...]
    inputs: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()  # the sections of the profile that its results depend on
    code: tuple[str, ...] = ()  # modules or packages found by name, which no import shows
    images: Callable[[Profile], Iterable[tuple[str, int]]] = lambda profile: ()
    # ... real data sets that must have been decoded, each with a size in pixels
    part: str = ""  # the experiment in whose own setting the step runs
    priority: int = 0
    cost: Callable[[Profile], Iterable[Cost]] = lambda profile: ()  # of one job
    # What one job may take on a cluster at the paper's scale.
    gigabytes: int = 4
    minutes: int = 60
    # The tables that stay in results/, each with the function that shortens it, or "".
    kept: Mapping[str, str] = field(default_factory=dict)

    @property
    def rule(self) -> str:
        """The name of its rule in the graph."""
        return self.name if self.part in ("", self.name) else f"{self.part}_{self.name}"

    @property
    def modules(self) -> tuple[str, ...]:
        """The modules whose code, with what they import, its results depend on."""
        return (self.run.partition(":")[0], *self.code)

    def all_inputs(self) -> list[str]:
        """Return the names of its input files, for every training set."""
        return [name.format(dataset=dataset) for name in self.inputs for dataset in DATASETS]

    def all_outputs(self) -> list[str]:
        """Return the names of its output files, for every training set."""
        return [name.format(dataset=dataset) for name in self.outputs for dataset in DATASETS]

    def belongs_to(self, profile: Profile) -> bool:
        """Whether the profile has what the step needs: runs recorded earlier lack later ones."""
        own = [name for name in (*self.settings, self.part) if name]
        core = set(type(profile).model_fields)
        return all(name in core or name in profile.experiments for name in own)

    def places(self, profile: Profile) -> list[tuple[int, str | None]]:
        """Return the (seed, training set) of each job, for the profile of the step's own part."""
        seeds = profile.seeds_of(self.settings)
        match self.scope:
            case Scope.SEED:
                return [(seed, None) for seed in seeds]
            case Scope.NETWORK:
                return [(seed, dataset) for seed in seeds for dataset in DATASETS]
            case Scope.MIXED:
                return [(seed, MIXED) for seed in seeds]
            case Scope.FIRST:
                return [(seeds[0], MIXED)]


@dataclass(frozen=True)
class Page:
    """A page of the book that a notebook of the same name makes."""

    name: str
    shows: tuple[str, ...] = ()  # the rules of the steps whose results it reads
    decides_claims: bool = False
    reads_verdicts: bool = False  # those of the pages that decide claims
    reads_recorded: bool = False  # the recorded runs in results/
    reads_records: bool = False  # the provenance records of all steps
    files: tuple[str, ...] = ()  # what else of the checkout it reads

"""What a reader of the graph's progress needs: which step runs, why, and how far it is."""

# Snakemake prints these for whoever debugs a graph; its own log file keeps them.
_NOISE = (
    "Assuming unrestricted shared filesystem",
    "Building DAG of jobs",
    "Using shell",
    "Provided cores",
    "Rules claiming more threads",
    "Select jobs to execute",
    "Execute ",
    "Finished jobid",
    "Complete log(s)",
    "Elapsed time",
    "[",
    "    input: ",
    "    output: ",
    "    jobid: ",
    "    priority: ",
    "    resources: ",
)


def worth_showing(line: str) -> bool:
    """Return whether a line that Snakemake printed tells a reader something.

    >>> worth_showing("    reason: Updated input files: notebooks/fig1.py")
    True
    >>> worth_showing("    resources: tmpdir=/tmp")
    False
    """
    return bool(line.strip()) and not line.startswith(_NOISE)

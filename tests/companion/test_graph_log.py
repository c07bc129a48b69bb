from companion.pipeline.graph_log import worth_showing

PRINTED = """\
Building DAG of jobs...

[Tue Nov 24 12:10:31 2026]
localrule scores:
    input: runs/tiny/seed0/data/test.npy, slugkit/slug.py
    output: runs/tiny/seed0/C/scores.csv
    jobid: 8
    reason: Code has changed since last execution
    wildcards: seed=0, dataset=C
    resources: tmpdir=/tmp
scores C, seed 0: product: 4/4, products for batch 1 of 1, done in 0.0 s
Finished jobid: 8 (Rule: scores)
10 of 11 steps (91%) done
Error in rule train:
slugkit: the loss is not finite
"""


def test_step_reason_progress_and_errors_are_kept():
    assert [line for line in PRINTED.splitlines() if worth_showing(line)] == [
        "localrule scores:",
        "    reason: Code has changed since last execution",
        "    wildcards: seed=0, dataset=C",
        "scores C, seed 0: product: 4/4, products for batch 1 of 1, done in 0.0 s",
        "10 of 11 steps (91%) done",
        "Error in rule train:",
        "slugkit: the loss is not finite",
    ]

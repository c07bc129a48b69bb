"""Measurements of the method on a trained network, each a step of the graph."""

# Each takes the network of this data set and of the first seed.
DATASET = "B"
EXPERIMENTS = ("estimators", "sketch")
# Those of the ablation's own setting, for each of its seeds.
IN_THE_LABORATORY = ("ablation", "score_versions")

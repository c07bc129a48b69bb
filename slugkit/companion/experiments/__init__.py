"""Measurements of the method on a trained network, each a step of the graph."""

# Each takes the network of this data set and of the first seed.
DATASET = "B"
EXPERIMENTS = ("estimators", "sketch")

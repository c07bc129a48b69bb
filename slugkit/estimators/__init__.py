"""Estimators of scores and pixel variances: one a file, each with its own options."""

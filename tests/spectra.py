"""Symmetric matrices with prescribed eigenvalues."""

import numpy as np


def matrix_with(eigenvalues, seed=0):
    """Return a float64 matrix with these eigenvalues, and its eigenvectors, one in each column."""
    size = len(eigenvalues)
    vectors, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(size, size)))
    return (vectors * eigenvalues) @ vectors.T, vectors

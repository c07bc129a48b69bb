"""Sketched Lanczos uncertainty for generative models."""

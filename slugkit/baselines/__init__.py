"""Baselines that SLUG is compared with: every system that the paper names, and simpler ones."""

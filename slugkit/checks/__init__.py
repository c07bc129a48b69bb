"""Checks of what a user gives, each with a message that names the thing and the remedy."""

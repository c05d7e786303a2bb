"""Household-level simulator of community-based health insurance."""

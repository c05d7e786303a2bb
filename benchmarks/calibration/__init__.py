"""Simulations to the mode: cbhi against Optuna TPE and CMA-ES."""

"""Fit parameters to published figures, and say what the figures do and do not tell about them."""

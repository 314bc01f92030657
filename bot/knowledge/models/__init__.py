"""Fitted coefficients as data; benchmarks/fit_*.py write them."""

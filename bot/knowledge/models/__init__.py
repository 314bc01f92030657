"""Fitted coefficients as data; benchmarks/fit_knowledge.py writes them."""

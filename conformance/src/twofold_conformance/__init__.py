"""A conformance kit for probabilistic programming languages of the Pyro and NumPyro lineage."""

__version__ = "0.1.0"

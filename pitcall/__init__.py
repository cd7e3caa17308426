"""Pitcall: when should I pit? Real-time race strategy from thousands of simulated races."""

__version__ = "0.1.0"

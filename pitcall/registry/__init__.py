"""Models as they are kept: what a version is, what its files must be, which one is blessed. No I/O, no clock.

Units: bytes, seconds since 1970, percent.
"""

"""The race simulator. Imports nothing here, so that messages can be read without numba."""

"""Fits from timing data: what laps say about cars, tyres and circuits. Pure."""

"""Fits on the score of forecasts itself: what no likelihood pins down, found by CMA-ES."""

"""The learned forecast: what statistics of past races know better than physics, as weights on simulated paths."""

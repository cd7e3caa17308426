"""Models that are learned from races: an edge behind the extra ``train``."""

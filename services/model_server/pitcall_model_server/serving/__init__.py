"""Networks in memory: versions that are swapped without a gap, rows that share a pass, one answer from one version."""

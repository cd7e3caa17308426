"""The `pitcall` command."""

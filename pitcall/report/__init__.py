"""What happened in a race, finished or running, told from its event log: facts, and a page about them. Pure."""

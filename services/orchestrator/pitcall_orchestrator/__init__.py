"""The orchestrator: sessions, planner and race hub behind a WebSocket."""

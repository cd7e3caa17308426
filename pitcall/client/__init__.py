"""The SDK: ``PitcallClient`` asks questions and follows races over the orchestrator's socket."""

from pitcall.client.protocol import Frame, Question
from pitcall.client.socket import PitcallClient

__all__ = ["Frame", "PitcallClient", "Question"]

"""The sim worker: plays the rest of races over HTTP."""

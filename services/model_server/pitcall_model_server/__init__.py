"""The model server: race state in, advice out, over gRPC."""

"""The gRPC contract: generated code (never edited) and its conversion by hand."""

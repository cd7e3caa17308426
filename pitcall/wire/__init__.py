"""What crosses a wire: generated gRPC code (never edited), its conversion by hand, and the JSON view of a race."""

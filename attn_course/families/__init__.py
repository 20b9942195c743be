"""Chapter 5: score functions, global and local, attention within a sequence, captions."""

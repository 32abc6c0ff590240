"""The venues' own figures, run through the public API."""

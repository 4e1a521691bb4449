"""Effects: one outside thing each, with its seams as arguments."""

"""What the board shows and asks, as data and decisions: rows, filters, the story of a rollout, what differs."""

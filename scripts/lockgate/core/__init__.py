"""Pure data and decisions: no clock, network, files, environment, randomness; standard library only."""

"""The ledger as the board reads it: the stores of `core.board.rows`, and what wakes the live feed."""

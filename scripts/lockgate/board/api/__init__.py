"""What programs ask the board."""

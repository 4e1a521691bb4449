"""Ledgers that many machines share, and the file that holds what they could not take."""

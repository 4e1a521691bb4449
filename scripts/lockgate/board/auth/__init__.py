"""Signing in: sessions, service tokens, roles; what an identity provider says, and what a browser is believed."""

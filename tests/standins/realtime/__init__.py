"""The slice of Supabase Realtime that its official client uses, over a real PostgreSQL."""

from tests.standins.realtime.server import Realtime

__all__ = ["Realtime"]

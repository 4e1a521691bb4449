"""The slice of Supabase's REST API that Lockgate and the official clients use, over a real PostgreSQL."""

from tests.standins.postgrest.keys import Keys
from tests.standins.postgrest.server import PostgREST

__all__ = ["Keys", "PostgREST"]

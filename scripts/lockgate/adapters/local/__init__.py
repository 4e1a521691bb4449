"""The `local` target: processes, or containers, behind Caddy; traffic is switched by renaming one file."""

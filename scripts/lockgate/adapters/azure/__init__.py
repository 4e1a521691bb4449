"""Azure through its own client libraries, which are imported only where they are used."""

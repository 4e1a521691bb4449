"""What people see: one module for each page, rendered on the server."""

"""Says why, and ends at once."""

import os
import sys

print(f"cannot reach the database with password {os.environ.get('DB_PASSWORD', '')}", flush=True)
sys.exit(3)

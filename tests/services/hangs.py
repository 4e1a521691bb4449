"""Takes connections on PORT and never answers."""

import os
import socket
import time

listener = socket.create_server(("127.0.0.1", int(os.environ["PORT"])), backlog=100)
time.sleep(600)

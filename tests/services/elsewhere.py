"""Listens on PORT, of an address that the proxy does not ask."""

import os
import socket
import time

listener = socket.create_server(("127.0.0.2", int(os.environ["PORT"])))
time.sleep(600)

import socket
import ssl
import threading
from contextlib import suppress

_ASKS = 8
"""The bytes of PostgreSQL's SSLRequest."""


class Tls:
    """A port that speaks TLS with whoever comes, as a database does, and leads to one that was built without."""

    def __init__(self, port, certificate):
        self._port = port
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.set_alpn_protocols(["postgresql"])
        certificate.configure_cert(self._context)
        self.told = bytearray()
        """All that clients said, as whoever holds the other end reads it."""
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self._listener.close()

    def _accept(self):
        with suppress(OSError):
            while True:
                threading.Thread(target=self._serve, args=(self._listener.accept()[0],), daemon=True).start()

    def _serve(self, near):
        with suppress(OSError), near:
            near.recv(_ASKS, socket.MSG_WAITALL)
            near.sendall(b"S")
            with (
                self._context.wrap_socket(near, server_side=True) as private,
                socket.create_connection(("127.0.0.1", self._port)) as far,
            ):
                threading.Thread(target=self._carry, args=(far, private), daemon=True).start()
                while data := private.recv(65536):
                    self.told += data
                    far.sendall(data)

    @staticmethod
    def _carry(far, private):
        with suppress(OSError):
            while data := far.recv(65536):
                private.sendall(data)

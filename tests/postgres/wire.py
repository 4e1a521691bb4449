import socket
import threading
from contextlib import suppress


class Wire:
    """A port that leads to another one on this machine, and that can be cut, go silent, or lose the answers."""

    def __init__(self, port):
        self._port = port
        self.state = "whole"
        self._pairs = []
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def whole(self):
        """Lead there again; what was connected meanwhile is not."""
        self._drop()
        self.state = "whole"

    def cut(self):
        """End every connection, and every one that comes."""
        self.state = "cut"
        self._drop()

    def silence(self):
        """Take everything and give nothing."""
        self.state = "silent"

    def lose_answers(self):
        """Let requests through, and then end the connection instead of bringing the answer."""
        self.state = "deaf"

    def close(self):
        self.state = "cut"
        self._listener.close()
        self._drop()

    def _drop(self):
        with self._lock:
            pairs, self._pairs = self._pairs, []
        for one in (end for pair in pairs for end in pair):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def _accept(self):
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            if self.state == "cut":
                near.close()
                continue
            far = socket.create_connection(("127.0.0.1", self._port))
            with self._lock:
                self._pairs.append((near, far))
            for source, sink, back in ((near, far, False), (far, near, True)):
                threading.Thread(target=self._carry, args=(source, sink, back), daemon=True).start()

    def _carry(self, source, sink, back):
        with suppress(OSError):
            while data := source.recv(65536):
                if self.state == "silent":
                    continue
                if self.state == "deaf" and back:
                    break
                sink.sendall(data)
        for one in (source, sink):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

"""What was said between Lockgate and a stand-in, in the form that the judges of the vendors' descriptions read."""

import json
from threading import Lock


class Exchanges:
    """A record of requests and answers; many threads may write to it."""

    def __init__(self):
        self._lock = Lock()
        self._all = []

    def add(self, method, url, request, status, headers, answer, request_headers):
        entry = {
            "method": method,
            "url": url,
            "req_headers": dict(request_headers),
            "req": request,
            "status": status,
            "headers": dict(headers),
            "resp": answer,
        }
        with self._lock:
            self._all.append(json.loads(json.dumps(entry)))

    def all(self):
        with self._lock:
            return list(self._all)

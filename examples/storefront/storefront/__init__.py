"""A small shop with a health page and a WebSocket: the sample service of Lockgate's demo."""

"""`ax serve`: a parent that starts, restarts and stops three children.

In: a `Config`. Out: a server that runs until it is told to stop.

The parent is `supervise`; `receive`, `write` and `serve` are the children's programs, `child` is what they share.
"""

from exporter.app.supervise import serve

__all__ = ["serve"]

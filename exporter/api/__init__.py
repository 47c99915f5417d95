"""The UI port: health, readiness and metrics for people, load balancers and Prometheus.

In: HTTP requests; the figures that the other processes publish. Out: JSON and text; no state of its own.
"""

from exporter.api.routes import create

__all__ = ["create"]

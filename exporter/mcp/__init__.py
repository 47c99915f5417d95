"""Few tools for language models, with terse answers.

In: a data directory. Out: text over MCP.
"""

from exporter.mcp.server import serve

__all__ = ["serve"]

"""OpenTelemetry for LLM applications, agents, workflows and voice agents."""

__version__ = "0.1.0"

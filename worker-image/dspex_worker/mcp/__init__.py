"""MCP servers as tools: a session that is opened at the start, kept, and opened again when lost.

The SDK is imported only where a Pool names a server: it costs 32 MB.
"""

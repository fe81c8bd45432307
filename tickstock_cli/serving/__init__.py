"""Events for others: a WebSocket, a page, and figures over HTTP. Knows an event log and three ports, no engine."""

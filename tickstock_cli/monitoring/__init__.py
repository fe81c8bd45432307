"""Monitoring: alerts from snapshots of figures, and the document that dashboards draw. It measures nothing itself."""

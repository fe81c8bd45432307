"""Monitoring: alerts from snapshots of metrics, and the dashboard document. It measures nothing itself."""

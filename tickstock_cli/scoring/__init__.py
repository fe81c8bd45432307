"""How well detections tell what was injected into a synthetic market."""

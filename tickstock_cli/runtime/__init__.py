"""The running system: channel instances with queues, batching and breakers around the core that replays use, too."""

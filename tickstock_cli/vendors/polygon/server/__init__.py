"""The vendor, played: a WebSocket server that sends rows of recordings in the vendor's format.

==================  ================================================================================================
``vendor``          the server: an address, its clients, and the rows that it plays
``session``         one connection of a client: handshake, key, subscriptions
``hub``             the sessions that get events; events are selected and framed once for equal subscriptions
``audience``        sessions with the same subscriptions
``send_buffer``     the bounded buffer of one client
``playing``         rows on their schedule, or as fast as the slowest client reads
``chunks``          rows as encoded events
``commands``        commands of clients, and items of subscriptions
``statuses``        status messages of the vendor
==================  ================================================================================================
"""

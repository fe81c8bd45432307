"""The vendor, played: a WebSocket server that sends rows of recordings in the vendor's format.

==================  ================================================================================================
``vendor``          the server that plays rows
``listening``       the address of a server, and its clients
``session``         one connection of a client: handshake, key, subscriptions
``connection``      the server's end of a WebSocket connection
``hub``             the sessions that get events; events are selected and framed once for equal subscriptions
``audience``        sessions with the same subscriptions
``outgoing``        what one client is sent, through its send buffer and its faults
``send_buffer``     the bounded buffer of one client
``playing``         rows on their schedule, or as fast as the slowest client reads
``chunks``          rows as encoded events
``source_rows``     rows of any source, with columns that batches do not carry
``commands``        commands of clients, and items of subscriptions
``statuses``        status messages of the vendor
``tls``             certificates, right and wrong ones
``faults``          what a file of faults can say
``injection``       which faults a connection has, and when
``beginning``       starts a fault
``alterations``     events that faults alter
==================  ================================================================================================
"""

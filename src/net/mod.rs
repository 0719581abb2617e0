//! Sockets for SIP: UDP and TCP, connection reuse.

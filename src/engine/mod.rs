//! Where clock, sockets, threads and state machines meet.

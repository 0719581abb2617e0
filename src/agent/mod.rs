//! The phone itself, without clock, socket or thread: accounts and calls.

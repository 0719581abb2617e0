//! The built-in lab: a registrar and service extensions on loopback.

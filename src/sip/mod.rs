//! SIP (RFC 3261 and friends): the wire, transactions, dialogs, registration.

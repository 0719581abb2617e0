//! Settings on disk, secrets in the keyring.

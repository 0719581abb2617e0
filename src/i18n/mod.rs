//! Languages: message ids and lookup in the catalogues.

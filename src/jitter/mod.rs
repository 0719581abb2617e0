//! The jitter buffer: order, delay and concealment of received sound.

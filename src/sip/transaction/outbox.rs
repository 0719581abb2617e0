//! What waits to be polled from the layer.

use std::collections::VecDeque;

use super::event::{Event, Output, Peer};

/// Outputs in the order in which they came about.
///
/// One input makes a handful, a timeout at most three for each transaction that was due; since
/// both the transactions and what one of them puts here are bounded, so is this.
#[derive(Debug, Default)]
pub(super) struct Outbox(VecDeque<Output>);

impl Outbox {
    pub(super) fn transmit(&mut self, to: Peer, bytes: Vec<u8>) {
        self.0.push_back(Output::Transmit { to, bytes });
    }

    pub(super) fn event(&mut self, event: Event) {
        self.0.push_back(Output::Event(event));
    }

    pub(super) fn pop(&mut self) -> Option<Output> {
        self.0.pop_front()
    }
}

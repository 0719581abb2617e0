//! Accounts that were removed, until their registrar has been told.

use std::time::Instant;

use super::flow::FlowId;
use super::routing::Purpose;
use super::{AccountId, Agent};
use crate::sip::transaction::Peer;
use crate::sip::{Registration, RegistrationFailure, RegistrationOutput, Response};

/// Names the farewell of one removed account; the account's own id may be in use again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct LeaveId(u64);

/// A binding that is being taken away for an account that is no more.
#[derive(Debug)]
pub(super) struct Leaving {
    registration: Box<Registration>,
    way: Peer,
}

impl Agent {
    /// Takes the binding of a removed account away. What is on its way for it is taken over.
    pub(super) fn leave(
        &mut self,
        now: Instant,
        account: AccountId,
        mut registration: Box<Registration>,
        way: Peer,
    ) {
        let number = registration.number();
        let leave = self.disown(FlowId { account, number });
        registration.unregister(now);
        self.leaving.insert(leave, Leaving { registration, way });
        self.drive_leaving(now, leave);
    }

    /// Answers to what is on its way for a flow that is no more do not concern the next one of its
    /// name.
    pub(super) fn disown(&mut self, flow: FlowId) -> LeaveId {
        let leave = LeaveId(self.next_leave);
        self.next_leave += 1;
        for purpose in self.clients.values_mut() {
            if matches!(purpose, Purpose::Register(of) if *of == flow) {
                *purpose = Purpose::Leave(leave);
            }
        }
        leave
    }

    pub(super) fn leave_answered(&mut self, now: Instant, leave: LeaveId, response: &Response) {
        if let Some(leaving) = self.leaving.get_mut(&leave) {
            leaving.registration.handle_response(now, response);
            self.drive_leaving(now, leave);
        }
    }

    /// The registrar cannot be told; it forgets the binding in time.
    pub(super) fn leave_undelivered(&mut self, now: Instant, leave: LeaveId) {
        if let Some(leaving) = self.leaving.get_mut(&leave) {
            let failure = RegistrationFailure::Timeout;
            leaving.registration.handle_failure(now, failure);
            self.drive_leaving(now, leave);
        }
    }

    fn drive_leaving(&mut self, now: Instant, leave: LeaveId) {
        while let Some(leaving) = self.leaving.get_mut(&leave) {
            match leaving.registration.poll_output() {
                RegistrationOutput::Send(request) => {
                    let way = leaving.way;
                    self.send(now, request, way, Purpose::Leave(leave));
                }
                // Nobody asks after this account any more.
                RegistrationOutput::Event(_) => {}
                RegistrationOutput::Wait(_) => break,
            }
        }
        let mut purposes = self.clients.values();
        if !purposes.any(|purpose| matches!(purpose, Purpose::Leave(of) if *of == leave)) {
            self.leaving.remove(&leave);
        }
    }
}

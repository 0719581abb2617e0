//! Calls that ring at a phone that is watched, taken here: by an INVITE that replaces them at their
//! caller (RFC 3891, RFC 5359 section 2.17), or by the number that the PBX has for it.

use std::collections::VecDeque;
use std::time::Instant;

use super::call::Setup;
use super::watch::WatchId;
use super::{Agent, CallId, Refusal, Refused, requests};
use crate::events::dialog_info::Pickup;
use crate::sip::{DialogId, HeaderName, Replaces, Uri};

/// In the code of pickups, the place of the number.
const PLACE: &str = "{ext}";

/// What a pickup dials for this number: the code with the number in its place, or behind it.
fn coded(code: &str, number: &str) -> String {
    if code.contains(PLACE) {
        code.replace(PLACE, number)
    } else {
        format!("{code}{number}")
    }
}

impl Agent {
    /// Takes the call that rings at whom this watch is for.
    pub(super) fn pick_up(
        &mut self,
        now: Instant,
        watch: WatchId,
        call: CallId,
    ) -> Result<(), Refused> {
        let nothing = Err((Some(call), Refusal::NothingRings));
        let Some((id, resource, pickup)) = self.rings_at(watch) else {
            return nothing;
        };
        let Some(account) = self.accounts.get(&id) else {
            return Err((Some(call), Refusal::UnknownAccount));
        };
        if let Some(code) = &account.config.pickup_code {
            let number = resource.user_unescaped().unwrap_or_default();
            let typed = coded(code, &number);
            return self.dial(now, id, call, &typed, false);
        }
        let Some(pickup) = pickup else {
            return nothing;
        };
        self.may_dial(id, call)?;
        let target = caller_of(&pickup).unwrap_or(resource);
        // The caller's phone sees its own tag as the local one.
        let replaces = Replaces {
            dialog: DialogId {
                call_id: pickup.call_id,
                local_tag: pickup.remote_tag,
                remote_tag: pickup.local_tag,
            },
            early_only: true,
        };
        let setup = Setup {
            target,
            call_id: self.random_token(),
            local_tag: self.random_token(),
            sequence: 1,
            further_targets: VecDeque::new(),
            tried: Vec::new(),
            give_up_at: now + self.config.no_answer_after,
            wanted: vec![
                (HeaderName::REPLACES, replaces.to_string()),
                // Who cannot replace shall not ring beside the call that there is.
                (HeaderName::REQUIRE, requests::REPLACES.to_owned()),
            ],
            interval: self.config.session_interval,
            least_interval: None,
            anonymous: false,
        };
        self.set_out(now, id, call, setup, None);
        Ok(())
    }
}

/// Where the caller is, as far as it can be called.
fn caller_of(pickup: &Pickup) -> Option<Uri> {
    let uri: Uri = pickup.remote.as_ref()?.parse().ok()?;
    let sip = uri.as_sip()?;
    Some(Uri::Sip(sip.for_request_uri()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_stands_before_the_number_or_around_it() {
        assert_eq!(coded("*8", "1002"), "*81002");
        assert_eq!(coded("*8{ext}#", "1002"), "*81002#");
    }
}

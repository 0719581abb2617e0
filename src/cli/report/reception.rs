//! What is said of calls that came in and did not ring, or were sent on.

use std::time::Instant;

use serde_json::{Map, Value, json};

use super::{Report, fields};
use crate::agent::{CallId, DiversionReason, Origin, Party, TurnedAway, WhyDeclined};
use crate::engine::Direction;
use crate::say;

/// Who called, and how the call came here.
pub(super) fn who_fields(remote: &Party, origin: &Origin) -> Map<String, Value> {
    let diverted: Vec<Value> = origin
        .diverted
        .iter()
        .map(|it| json!({ "by": it.by.uri, "reason": it.reason.as_str() }))
        .collect();
    fields(json!({
        "remote": remote.uri,
        "display_name": remote.display_name,
        "anonymous": remote.is_anonymous(),
        "asserted": origin.asserted,
        "diverted_from": origin.diverted.first().map(|it| it.by.uri.as_str()),
        "diverted": diverted,
    }))
}

impl Report {
    /// A call did not ring, by a rule.
    pub(super) fn turned_away(
        &mut self,
        at: Instant,
        call: CallId,
        (remote, origin): (&Party, &Origin),
        how: &TurnedAway,
    ) {
        let told = self.told(call);
        told.direction = Direction::Incoming;
        let number = told.number;
        let mut line = who_fields(remote, origin);
        match how {
            TurnedAway::Forwarded { to, reason } => self.forwarded(at, call, line, to, *reason),
            TurnedAway::Declined { status, why } => {
                line.insert("status".into(), json!(status.code()));
                line.insert("reason".into(), json!(why_code(*why)));
                self.call_line(at, "declined", number, line);
                let remote = self.words.party_name(remote);
                self.print(&say!(self.words, "cli-turned-away", remote = remote));
            }
        }
    }

    /// A call was sent on to somebody else.
    pub(super) fn forwarded(
        &mut self,
        at: Instant,
        call: CallId,
        mut line: Map<String, Value>,
        to: &Party,
        reason: DiversionReason,
    ) {
        let number = self.told(call).number;
        line.insert("to".into(), json!(to.uri));
        line.insert("status".into(), json!(302));
        line.insert("reason".into(), json!(reason.as_str()));
        self.call_line(at, "forwarded", number, line);
        let to = self.words.party_name(to);
        self.print(&say!(self.words, "cli-forwarded", to = to));
    }
}

fn why_code(why: WhyDeclined) -> &'static str {
    match why {
        WhyDeclined::DoNotDisturb => "do-not-disturb",
        WhyDeclined::NotKnown => "not-known",
        WhyDeclined::NoLine => "no-line",
        WhyDeclined::NotEncrypted => "not-encrypted",
    }
}

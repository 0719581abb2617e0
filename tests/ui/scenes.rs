//! Pictures of the phone to show.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ramal::agent::{AccountId, AccountState, CallEnd, CallId, EndCause, Party, Side};
use ramal::codec::CodecKind;
use ramal::engine::{
    AccountView, CallPhase, CallView, Direction, Quality, RecentCall, RemoteQuality, Signalling,
    Snapshot,
};
use ramal::media::plan::CodecChoice;
use ramal::store::AccountSettings;
use ramal::units::PayloadType;

/// 22 November 2026, 12:00:00 UTC.
pub(crate) const NOON: u64 = 1_795_348_800;

pub(crate) fn account(state: AccountState) -> AccountView {
    AccountView {
        reception: ramal::agent::Reception::default(),
        id: AccountId(1),
        user: "1001".into(),
        domain: "pbx.example".into(),
        display_name: Some("Suporte".into()),
        state,
        settings: AccountSettings {
            id: 1,
            address: "1001@pbx.example".into(),
            display_name: Some("Suporte".into()),
            ..AccountSettings::default()
        },
        mailbox: None,
        published: false,
        signalling: Signalling::default(),
        refused: None,
    }
}

pub(crate) fn registered() -> AccountState {
    AccountState::Registered {
        expires: Duration::from_secs(300),
    }
}

pub(crate) fn idle() -> Snapshot {
    Snapshot {
        accounts: vec![account(registered())],
        ..Snapshot::default()
    }
}

pub(crate) fn with_call(call: CallView) -> Snapshot {
    Snapshot {
        calls: vec![call],
        ..idle()
    }
}

pub(crate) fn party(name: Option<&str>, user: &str) -> Party {
    Party {
        display_name: name.map(Into::into),
        user: Some(user.into()),
        uri: format!("sip:{user}@pbx.example"),
    }
}

/// A call with the bakery, begun and answered at `now`.
pub(crate) fn call(id: u64, phase: CallPhase, now: Instant) -> CallView {
    CallView {
        origin: ramal::agent::Origin::default(),
        security: ramal::agent::Security::default(),
        held_here: phase == CallPhase::OnHold(Side::Local),
        held_there: phase == CallPhase::OnHold(Side::Remote),
        id: CallId(id),
        account: AccountId(1),
        direction: Direction::Outgoing,
        phase,
        remote: party(Some("Padaria Aurora"), "1135550142"),
        started_at: now,
        answered_at: Some(now),
        muted: false,
        codec: Some(CodecChoice::new(
            CodecKind::Opus,
            PayloadType::new(111).expect("below 128"),
        )),
        digits_sent: String::new(),
        quality: Some(Quality {
            mos: 4.4,
            mos_lq: 4.4,
            loss_pct: 0.2,
            discard_pct: 0.1,
            rtt_ms: Some(24.0),
            mouth_to_ear_ms: Some(38.0),
            buffer_ms: 31.0,
            buffer_nominal_ms: 30.0,
            burst_ms: 80.0,
            burst_density_pct: 60.0,
            remote: Some(RemoteQuality {
                mos: Some(4.2),
                mos_lq: Some(4.3),
                ..RemoteQuality::default()
            }),
            ..Quality::default()
        }),
        levels: Arc::default(),
        recording: None,
        recorded: None,
        transfer: None,
        handed_to: None,
        follows: None,
        silenced: false,
        consults_for: None,
        focus: false,
        conference: None,
    }
}

pub(crate) fn end(cause: EndCause, status: Option<u16>, reason: Option<&str>) -> CallEnd {
    CallEnd {
        cause,
        by: Side::Remote,
        status,
        reason: reason.map(Into::into),
        talked: None,
    }
}

pub(crate) fn recent(name: Option<&str>, user: &str, end: CallEnd) -> RecentCall {
    RecentCall {
        account: AccountId(1),
        direction: Direction::Incoming,
        remote: party(name, user),
        began_unix: NOON - 3_600,
        end,
        recorded: None,
    }
}

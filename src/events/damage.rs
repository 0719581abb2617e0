//! Bodies damaged at random: nothing panics, and what is read stays within its bounds.

use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::dialog_info::{Dialog, DialogInfo, DialogState, Document, MAX_DIALOGS, Participant};
use super::dtmf_info::DtmfInfo;
use super::is_composing::IsComposing;
use super::message_summary::{Counts, MessageClass, MessageSummary};
use super::pidf::{Activity, Basic, Note, Presence, Tuple};
use super::sipfrag::StatusFragment;
use super::text::MAX_TEXT;

/// What attackers and broken servers put into documents.
const SPLINTERS: [&[u8]; 20] = [
    b"<",
    b">",
    b"</",
    b"/>",
    b"\"",
    b"'",
    b"&",
    b"&amp;",
    b"&#0;",
    b"&#xFFFFFFFFFF;",
    b"&lol;",
    b"<!DOCTYPE a [",
    b"<![CDATA[",
    b"]]>",
    b"<!--",
    b"<?",
    b"\xff\xfe",
    b"\0",
    b"=",
    b"99999999999999999999",
];

/// Documents damaged of each kind.
const ROUNDS: u64 = 3_000;

fn bodies() -> Vec<Vec<u8>> {
    let side = Participant {
        display_name: Some("Ana".to_owned()),
        identity: Some("sip:ana@example.com".to_owned()),
        target: Some("sip:ana@192.0.2.1".to_owned()),
        rendering: Some(false),
    };
    let call = Dialog {
        id: "d1".to_owned(),
        call_id: Some("c".to_owned()),
        local_tag: Some("l".to_owned()),
        remote_tag: Some("r".to_owned()),
        state: DialogState::Early,
        local: side.clone(),
        remote: side,
        ..Dialog::default()
    };
    let document = Document {
        entity: Some("sip:700@example.com".to_owned()),
        version: 3,
        full: false,
        dialogs: vec![
            call.clone(),
            Dialog {
                id: "d2".to_owned(),
                ..call
            },
        ],
    };
    let presence = Presence {
        entity: Some("sip:1001@example.com".to_owned()),
        tuples: vec![Tuple {
            id: "t1".to_owned(),
            basic: Some(Basic::Open),
            contact: Some("sip:1001@192.0.2.7".to_owned()),
            notes: Vec::new(),
        }],
        activities: vec![Activity::Meeting],
        notes: vec![Note {
            language: None,
            text: "Já volto".to_owned(),
        }],
    };
    let composing = IsComposing {
        active: true,
        content_type: Some("text/plain".to_owned()),
        refresh: Some(90),
    };
    let summary = MessageSummary {
        waiting: true,
        account: Some("sip:1001@example.com".to_owned()),
        counts: vec![(
            MessageClass::Voice,
            Counts {
                new: 2,
                ..Counts::default()
            },
        )],
    };
    vec![
        document.to_bytes(),
        presence.to_bytes(),
        composing.to_bytes(),
        summary.to_bytes(),
        b"SIP/2.0 486 Busy Here\r\nTo: <sip:b@h>\r\n".to_vec(),
        b"Signal=5\r\nDuration=160\r\n".to_vec(),
    ]
}

fn damage(bytes: &mut Vec<u8>, rng: &mut impl Rng) {
    let at = rng.random_range(0..=bytes.len());
    let end = (at + rng.random_range(0..24)).min(bytes.len());
    match rng.random_range(0..10) {
        0..=2 => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte = rng.random();
            }
        }
        3..=4 => {
            bytes.drain(at..end);
        }
        5..=7 => {
            let splinter = SPLINTERS[rng.random_range(0..SPLINTERS.len())];
            bytes.splice(at..at, splinter.iter().copied());
        }
        8 => {
            let copy = bytes[at..end].repeat(rng.random_range(1..40));
            bytes.splice(at..at, copy);
        }
        _ => bytes.truncate(at),
    }
}

fn within(text: Option<&str>) {
    assert!(text.is_none_or(|text| text.len() <= MAX_TEXT));
}

/// Every reader reads it; how many could.
fn read_all(info: &mut DialogInfo, bytes: &[u8]) -> usize {
    let mut read = usize::from(info.apply(bytes).is_ok());
    assert!(info.dialogs().len() <= MAX_DIALOGS);
    for dialog in info.dialogs() {
        within(Some(&dialog.id));
        within(dialog.call_id.as_deref());
        within(dialog.remote.display_name.as_deref());
        within(dialog.remote.target.as_deref());
    }
    let _ = (info.lamp(), info.pickup());
    if let Ok(presence) = Presence::parse(bytes) {
        read += 1;
        assert!(presence.tuples.len() <= 32 && presence.notes.len() <= 8);
        within(presence.note());
        let again = Presence::parse(&presence.to_bytes());
        assert_eq!(again.map(|again| again.basic()), Ok(presence.basic()));
    }
    if let Ok(composing) = IsComposing::parse(bytes) {
        read += 1;
        assert_eq!(IsComposing::parse(&composing.to_bytes()), Ok(composing));
    }
    if let Ok(summary) = MessageSummary::parse(bytes) {
        read += 1;
        assert_eq!(MessageSummary::parse(&summary.to_bytes()), Ok(summary));
    }
    if let Some(fragment) = StatusFragment::parse(bytes) {
        read += 1;
        assert_eq!(StatusFragment::parse(&fragment.to_bytes()), Some(fragment));
    }
    if let Some(info) = DtmfInfo::parse(bytes) {
        read += 1;
        assert_eq!(DtmfInfo::parse(&info.to_relay()), Some(info));
    }
    read
}

#[test]
fn damaged_bodies_break_nothing_and_stay_within_bounds() {
    let mut read = 0;
    let mut info = DialogInfo::new();
    let bodies = bodies();
    for (index, body) in (0_u64..).zip(&bodies) {
        assert_eq!(read_all(&mut DialogInfo::new(), body), 1, "body {index}");
        for round in 0..ROUNDS {
            let mut rng = ChaCha8Rng::seed_from_u64(index * ROUNDS + round);
            let mut damaged = body.clone();
            for _ in 0..rng.random_range(1..5) {
                damage(&mut damaged, &mut rng);
            }
            read += read_all(&mut info, &damaged);
        }
    }
    // The damage is small enough for the test to mean something.
    assert!(read > 3_000, "only {read} could be read");
}

#[test]
fn what_is_cut_short_at_any_place_breaks_nothing() {
    for body in bodies() {
        for end in 0..body.len() {
            read_all(&mut DialogInfo::new(), &body[..end]);
        }
    }
}

#[test]
fn noise_is_no_document() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    for _ in 0..2_000 {
        let mut noise = vec![0; rng.random_range(0..300)];
        rng.fill_bytes(&mut noise);
        assert_eq!(Document::parse(&noise).ok(), None);
        read_all(&mut DialogInfo::new(), &noise);
    }
}

use super::*;

fn apply(info: &mut DialogInfo, body: &str) -> Applied {
    info.apply(body.as_bytes()).unwrap()
}

/// A document of `sip:700@example.com` with these dialogs.
fn document(version: u64, state: &str, dialogs: &str) -> String {
    format!(
        "<?xml version=\"1.0\"?><dialog-info xmlns=\"urn:ietf:params:xml:ns:dialog-info\" \
         version=\"{version}\" state=\"{state}\" entity=\"sip:700@example.com\">{dialogs}\
         </dialog-info>"
    )
}

fn dialog(id: &str, attributes: &str, state: &str) -> String {
    format!("<dialog id=\"{id}\" {attributes}><state>{state}</state></dialog>")
}

fn lamp(dialogs: &str) -> Lamp {
    let mut info = DialogInfo::new();
    let _applied = apply(&mut info, &document(0, "full", dialogs));
    info.lamp()
}

/// RFC 4235 section 6.1: a call that forks, is answered at one place and ends.
#[test]
fn the_basic_example_of_the_rfc_is_followed() {
    let partial = |version: u64, dialogs: &str| {
        format!(
            "<?xml version=\"1.0\"?>\n\
             <dialog-info xmlns=\"urn:ietf:params:xml:ns:dialog-info\"\n\
              version=\"{version}\" state=\"partial\" entity=\"sip:alice@example.com\">{dialogs}\
             </dialog-info>"
        )
    };
    let of_alice = |id: &str, remote_tag: &str, state: &str| {
        format!(
            "\n <dialog id=\"{id}\" call-id=\"a84b4c76e66710\" local-tag=\"1928301774\"\n\
             {remote_tag} direction=\"initiator\">\n  <state>{state}</state>\n </dialog>\n"
        )
    };
    let mut info = DialogInfo::new();
    assert_eq!(info.lamp(), Lamp::Unknown);
    let full = partial(0, "").replace("partial", "full");
    assert_eq!(apply(&mut info, &full), Applied::Taken);
    assert_eq!(info.entity(), Some("sip:alice@example.com"));
    assert_eq!(info.lamp(), Lamp::Idle);
    let trying = partial(1, &of_alice("as7d900as8", "", "trying"));
    assert_eq!(apply(&mut info, &trying), Applied::Taken);
    assert_eq!(info.lamp(), Lamp::Busy);
    let early = partial(
        2,
        &of_alice("as7d900as8", "remote-tag=\"456887766\"", "early"),
    );
    assert_eq!(apply(&mut info, &early), Applied::Taken);
    let forked = partial(3, &of_alice("j7zgt54", "remote-tag=\"hh76a\"", "early"));
    assert_eq!(apply(&mut info, &forked), Applied::Taken);
    assert_eq!(info.dialogs().len(), 2);
    assert_eq!(info.pickup(), None, "she called");
    let answered = partial(
        4,
        &format!(
            "{}{}",
            of_alice("as7d900as8", "remote-tag=\"456887766\"", "confirmed"),
            of_alice(
                "j7zgt54",
                "remote-tag=\"hh76a\"",
                "terminated</state><x/><state>y"
            ),
        ),
    );
    assert_eq!(apply(&mut info, &answered), Applied::Taken);
    assert_eq!(info.dialogs().len(), 1);
    assert_eq!(info.dialogs()[0].state, DialogState::Confirmed);
    assert_eq!(info.lamp(), Lamp::Busy);
    let over = partial(
        5,
        &of_alice("as7d900as8", "remote-tag=\"456887766\"", "terminated"),
    );
    assert_eq!(apply(&mut info, &over), Applied::Taken);
    assert_eq!((info.lamp(), info.dialogs().len()), (Lamp::Idle, 0));
}

#[test]
fn everything_that_is_told_of_a_call_is_read() {
    let mut info = DialogInfo::new();
    let body = document(
        7,
        "full",
        "<dialog id=\"d1\" call-id=\"c@h\" local-tag=\"l\" remote-tag=\"r\" direction=\"recipient\">\
         <state event=\"cancelled\" code=\"200\">confirmed</state><duration>274</duration>\
         <replaces call-id=\"c0\" local-tag=\"l0\" remote-tag=\"r0\"/>\
         <referred-by display=\"Bob\">sip:bob@example.org</referred-by>\
         <local><identity display=\"Ext. 700\">sip:700@example.com</identity>\
         <target uri=\"sip:700@192.0.2.9:5062\"><param pname=\"+sip.rendering\" pval=\"no\"/>\
         <param pname=\"+sip.byeless\" pval=\"true\"/></target></local>\
         <remote><identity display=\"Ana &amp; Jo\u{e3}o\">sip:ana@example.com</identity>\
         <target uri=\"sip:ana@192.0.2.1\"/></remote></dialog>",
    );
    assert_eq!(apply(&mut info, &body), Applied::Taken);
    assert_eq!(info.version(), Some(7));
    assert_eq!(
        info.dialogs(),
        [Dialog {
            id: "d1".to_owned(),
            call_id: Some("c@h".to_owned()),
            local_tag: Some("l".to_owned()),
            remote_tag: Some("r".to_owned()),
            direction: Some(Direction::Recipient),
            state: DialogState::Confirmed,
            local: Participant {
                display_name: Some("Ext. 700".to_owned()),
                identity: Some("sip:700@example.com".to_owned()),
                target: Some("sip:700@192.0.2.9:5062".to_owned()),
                rendering: Some(false),
            },
            remote: Participant {
                display_name: Some("Ana & João".to_owned()),
                identity: Some("sip:ana@example.com".to_owned()),
                target: Some("sip:ana@192.0.2.1".to_owned()),
                rendering: None,
            },
            replaces: Some(("c0".to_owned(), "l0".to_owned(), "r0".to_owned())),
        }]
    );
}

#[test]
fn old_documents_are_left_aside_and_missed_ones_are_noticed() {
    let busy = dialog("a", "", "confirmed");
    let mut info = DialogInfo::new();
    assert_eq!(
        apply(&mut info, &document(5, "partial", &busy)),
        Applied::Incomplete,
        "it begins in the middle"
    );
    assert_eq!(info.lamp(), Lamp::Busy);
    assert_eq!(apply(&mut info, &document(6, "full", "")), Applied::Taken);
    assert_eq!(apply(&mut info, &document(5, "full", &busy)), Applied::Old);
    assert_eq!(
        apply(&mut info, &document(4, "partial", &busy)),
        Applied::Old
    );
    assert_eq!(info.lamp(), Lamp::Idle);
    assert_eq!(
        apply(&mut info, &document(8, "partial", &busy)),
        Applied::Incomplete
    );
    assert_eq!(info.lamp(), Lamp::Busy, "and taken all the same");
    let more = dialog("b", "", "confirmed");
    assert_eq!(
        apply(&mut info, &document(9, "partial", &more)),
        Applied::Incomplete,
        "what was missed is still not known"
    );
    assert_eq!(apply(&mut info, &document(20, "full", "")), Applied::Taken);
    assert_eq!(info.lamp(), Lamp::Idle);
    assert_eq!(
        apply(&mut info, &document(21, "partial", &busy)),
        Applied::Taken
    );
}

#[test]
fn notifiers_that_do_not_count_are_understood() {
    let mut info = DialogInfo::new();
    let busy = dialog("a", "", "confirmed");
    let uncounted = |dialogs: &str| format!("<dialog-info>{dialogs}</dialog-info>");
    assert_eq!(apply(&mut info, &uncounted(&busy)), Applied::Taken);
    assert_eq!(info.lamp(), Lamp::Busy);
    assert_eq!(apply(&mut info, &uncounted("")), Applied::Taken);
    assert_eq!(info.lamp(), Lamp::Idle);
    assert_eq!(
        apply(&mut info, &document(0, "partial", &busy)),
        Applied::Taken
    );
    assert_eq!(info.lamp(), Lamp::Busy);
    let last = u64::MAX.to_string();
    let far = document(0, "full", "").replace("\"0\"", "\"99999999999999999999999\"");
    assert_eq!(apply(&mut info, &far), Applied::Taken);
    assert_eq!(info.version().map(|v| v.to_string()), Some(last));
    assert_eq!(apply(&mut info, &far), Applied::Taken);
}

#[test]
fn the_lamp_shows_what_a_receptionist_wants_to_know() {
    let incoming = "direction=\"recipient\"";
    let outgoing = "direction=\"initiator\"";
    let one = |attributes: &str, state: &str| lamp(&dialog("a", attributes, state));
    assert_eq!(lamp(""), Lamp::Idle);
    assert_eq!(one(incoming, "trying"), Lamp::Idle);
    assert_eq!(one(incoming, "proceeding"), Lamp::Idle);
    assert_eq!(one(incoming, "early"), Lamp::Ringing);
    assert_eq!(one("", "Early "), Lamp::Ringing);
    assert_eq!(one(incoming, "confirmed"), Lamp::Busy);
    assert_eq!(one(incoming, "terminated"), Lamp::Idle);
    assert_eq!(one(outgoing, "trying"), Lamp::Busy);
    assert_eq!(one("", "trying"), Lamp::Busy);
    assert_eq!(one(outgoing, "early"), Lamp::Busy);
    assert_eq!(one(outgoing, "confirmed"), Lamp::Busy);
    assert_eq!(
        one(incoming, "sleeping"),
        Lamp::Idle,
        "no state that is known"
    );
    let both = |first: &str, second: &str| {
        let second = dialog("b", incoming, second);
        lamp(&format!("{}{second}", dialog("a", outgoing, first)))
    };
    assert_eq!(both("confirmed", "early"), Lamp::Ringing);
    assert_eq!(both("confirmed", "trying"), Lamp::Busy);
    assert_eq!(both("terminated", "confirmed"), Lamp::Busy);
}

#[test]
fn a_call_that_rings_can_be_picked_up_when_enough_is_told() {
    let pickup = |attributes: &str, state: &str| {
        let sides = "<local><identity>sip:700@example.com</identity></local>\
             <remote><identity>sip:ana@example.com</identity><target uri=\"sip:ana@192.0.2.1\"/>\
             </remote></dialog>";
        let body = dialog("d", attributes, state).replace("</dialog>", sides);
        let mut info = DialogInfo::new();
        let _applied = apply(&mut info, &document(0, "full", &body));
        info.pickup()
    };
    let whole = "call-id=\"c\" local-tag=\"l\" remote-tag=\"r\" direction=\"recipient\"";
    assert_eq!(
        pickup(whole, "early"),
        Some(Pickup {
            call_id: "c".to_owned(),
            local_tag: "l".to_owned(),
            remote_tag: "r".to_owned(),
            local: Some("sip:700@example.com".to_owned()),
            remote: Some("sip:ana@192.0.2.1".to_owned()),
        })
    );
    for state in ["trying", "confirmed", "terminated"] {
        assert_eq!(pickup(whole, state), None, "{state}");
    }
    for part in ["call-id=\"c\"", "local-tag=\"l\"", "remote-tag=\"r\""] {
        assert_eq!(pickup(&whole.replace(part, ""), "early"), None, "{part}");
    }
    let long = format!("call-id=\"{}\"", "c".repeat(513));
    let cut = whole.replace("call-id=\"c\"", &long);
    assert_eq!(pickup(&cut, "early"), None, "half a Call-ID is none");
}

#[test]
fn a_table_never_grows_over_its_bound() {
    let many = |begin: usize| -> String {
        (begin..begin + 200)
            .map(|i| dialog(&format!("d{i}"), "", "confirmed"))
            .collect()
    };
    let mut info = DialogInfo::new();
    let _applied = apply(&mut info, &document(0, "full", &many(0)));
    assert_eq!(info.dialogs().len(), MAX_DIALOGS);
    for version in 1..20 {
        let begin = usize::try_from(version).unwrap() * 1_000;
        let _applied = apply(&mut info, &document(version, "partial", &many(begin)));
        assert_eq!(info.dialogs().len(), MAX_DIALOGS);
    }
}

#[test]
fn what_is_no_document_changes_nothing() {
    let mut info = DialogInfo::new();
    let _applied = apply(
        &mut info,
        &document(3, "full", &dialog("a", "", "confirmed")),
    );
    let before = info.clone();
    assert_eq!(info.apply(b"<presence/>"), Err(XmlError::Kind));
    assert_eq!(
        info.apply(b"<dialog-info version='9'"),
        Err(XmlError::Malformed)
    );
    assert_eq!(info.apply(b""), Err(XmlError::Malformed));
    assert_eq!(info, before);
}

#[test]
fn what_is_written_is_what_was_meant() {
    let written = Document {
        entity: Some("sip:700@example.com".to_owned()),
        version: 12,
        full: false,
        dialogs: vec![Dialog {
            id: "d1".to_owned(),
            call_id: Some("c".to_owned()),
            local_tag: Some("l".to_owned()),
            direction: Some(Direction::Recipient),
            state: DialogState::Early,
            remote: Participant {
                display_name: Some("\"Ana\"".to_owned()),
                identity: Some("sip:ana@example.com".to_owned()),
                target: Some("sip:ana@192.0.2.1;a=b&c".to_owned()),
                rendering: Some(true),
            },
            ..Dialog::default()
        }],
    };
    let bytes = written.to_bytes();
    assert_eq!(
        std::str::from_utf8(&bytes).unwrap(),
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <dialog-info xmlns=\"urn:ietf:params:xml:ns:dialog-info\" version=\"12\" \
         state=\"partial\" entity=\"sip:700@example.com\">\
         <dialog id=\"d1\" call-id=\"c\" local-tag=\"l\" direction=\"recipient\">\
         <state>early</state><remote>\
         <identity display=\"&quot;Ana&quot;\">sip:ana@example.com</identity>\
         <target uri=\"sip:ana@192.0.2.1;a=b&amp;c\">\
         <param pname=\"+sip.rendering\" pval=\"yes\"/></target></remote></dialog>\
         </dialog-info>\n"
    );
    assert_eq!(Document::parse(&bytes), Ok(written));
}

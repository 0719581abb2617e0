//! Dialogs: two user agents that know each other (RFC 3261 section 12).
//!
//! ```text
//!   101-199 with a To tag            2xx
//!   ─────────────────────► Early ─────────► Confirmed
//!            2xx                                ▲
//!   ────────────────────────────────────────────┘
//! ```
//!
//! A dialog ends when its owner drops it. An INVITE that forked makes one dialog for each To
//! tag, all with the same Call-ID and local tag.

use super::{
    Contacts, Header, HeaderError, HeaderName, Headers, Method, NameAddr, Request, Response,
    StatusCode, Uri,
};

/// What tells one dialog from another (section 12).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DialogId {
    /// The same on both sides.
    pub call_id: String,
    /// Ours.
    pub local_tag: String,
    /// Theirs; empty when they speak RFC 2543 and have none.
    pub remote_tag: String,
}

impl DialogId {
    /// Of the dialog that a request of the far side belongs to. `None` when its To has no tag:
    /// it belongs to none yet.
    #[must_use]
    pub fn of_incoming(request: &Request) -> Option<DialogId> {
        let headers = &request.headers;
        Some(DialogId {
            call_id: headers.call_id().ok()?.to_owned(),
            local_tag: headers.to().ok()?.tag()?.to_owned(),
            remote_tag: tag_or_empty(&headers.from().ok()?),
        })
    }

    /// Of the dialog that a response to a request of ours belongs to, or makes.
    #[must_use]
    pub fn of_response(response: &Response) -> Option<DialogId> {
        let headers = &response.headers;
        Some(DialogId {
            call_id: headers.call_id().ok()?.to_owned(),
            local_tag: headers.from().ok()?.tag()?.to_owned(),
            remote_tag: tag_or_empty(&headers.to().ok()?),
        })
    }
}

/// How far a dialog has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DialogState {
    /// Made by a provisional response: it may yet come to nothing.
    Early,
    /// Made or confirmed by a 2xx.
    Confirmed,
}

/// Why a message makes no dialog.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DialogError {
    /// Only 101 to 299 make one.
    #[error("a response {0} makes no dialog")]
    Status(StatusCode),
    /// A provisional response without To tag says nothing about who sent it.
    #[error("no tag names the other side")]
    NoTag,
    /// The other side does not say where it can be reached.
    #[error("no SIP Contact says where the other side is")]
    NoContact,
    /// A header that it is made of is missing or cannot be read.
    #[error(transparent)]
    Header(#[from] HeaderError),
}

/// Which side a dialog was made on: a caller reads the route set backwards, and from responses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Caller,
    Callee,
}

/// The state that two user agents share (section 12).
#[derive(Clone, Debug)]
pub struct Dialog {
    side: Side,
    state: DialogState,
    id: DialogId,
    /// With our tag.
    local: NameAddr,
    /// With their tag.
    remote: NameAddr,
    /// Where requests of theirs find us.
    local_contact: Option<NameAddr>,
    /// Where requests of ours find them.
    remote_target: Uri,
    /// That is a conference of a server's (RFC 4579).
    remote_is_focus: bool,
    /// In the order in which requests of ours pass.
    route_set: Vec<NameAddr>,
    /// The number of our latest request.
    local_seq: Option<u32>,
    /// The number of their latest request.
    remote_seq: Option<u32>,
    /// What our latest INVITE proved its sender with; its ACK repeats it (section 22.1).
    credentials: Vec<Header>,
}

impl Dialog {
    /// The caller's side, from its request and a response to it (section 12.1.2).
    ///
    /// A 2xx without To tag is from a phone of RFC 2543 and makes a dialog with an empty remote
    /// tag. Without a Contact, requests go to where the first one went.
    ///
    /// # Errors
    /// The response makes no dialog, or says too little.
    pub fn from_uac(request: &Request, response: &Response) -> Result<Dialog, DialogError> {
        let state = match response.status {
            status if status.is_success() => DialogState::Confirmed,
            status if status.is_provisional() && status != StatusCode::TRYING => DialogState::Early,
            status => return Err(DialogError::Status(status)),
        };
        let local = request.headers.from()?;
        let remote = response.headers.to()?;
        if state == DialogState::Early && remote.tag().is_none() {
            return Err(DialogError::NoTag);
        }
        let cseq = request.headers.cseq()?;
        let mut dialog = Dialog {
            side: Side::Caller,
            state,
            id: DialogId {
                call_id: request.headers.call_id()?.to_owned(),
                local_tag: tag_or_empty(&local),
                remote_tag: tag_or_empty(&remote),
            },
            local: only_tag(local),
            remote: only_tag(remote),
            local_contact: first_contact(&request.headers),
            remote_target: request.uri.clone(),
            remote_is_focus: false,
            route_set: Vec::new(),
            local_seq: Some(cseq.seq),
            remote_seq: None,
            credentials: credentials(request),
        };
        dialog.learn_way(response)?;
        Ok(dialog)
    }

    /// The callee's side, from a request and the tag and Contact of our response to it (section
    /// 12.1.1). Early until [`confirm`](Self::confirm) is told of our 2xx.
    ///
    /// # Errors
    /// The request says too little; it is to be answered with 400.
    pub fn from_uas(
        request: &Request,
        local_tag: &str,
        local_contact: NameAddr,
    ) -> Result<Dialog, DialogError> {
        let remote = request.headers.from()?;
        let contact = first_contact(&request.headers).ok_or(DialogError::NoContact)?;
        if contact.uri.as_sip().is_none() {
            return Err(DialogError::NoContact);
        }
        Ok(Dialog {
            side: Side::Callee,
            state: DialogState::Early,
            id: DialogId {
                call_id: request.headers.call_id()?.to_owned(),
                local_tag: local_tag.to_owned(),
                remote_tag: tag_or_empty(&remote),
            },
            local: only_tag(request.headers.to()?).with_tag(local_tag),
            remote: only_tag(remote),
            local_contact: Some(local_contact),
            remote_is_focus: contact.params.has("isfocus"),
            remote_target: contact.uri,
            route_set: request.headers.record_routes()?,
            local_seq: None,
            remote_seq: Some(request.headers.cseq()?.seq),
            credentials: Vec::new(),
        })
    }

    /// The subscriber's side, from its SUBSCRIBE and the first NOTIFY, which may come before the
    /// 2xx and from another fork than that (RFC 6665 section 4.4.1). As in any request of theirs,
    /// the route set is read forwards.
    ///
    /// # Errors
    /// The NOTIFY says too little; it is to be answered with 400.
    pub fn from_notify(subscribe: &Request, notify: &Request) -> Result<Dialog, DialogError> {
        let local = subscribe.headers.from()?;
        let remote = notify.headers.from()?;
        let Some(remote_tag) = remote.tag().map(str::to_owned) else {
            return Err(DialogError::NoTag);
        };
        let mut dialog = Dialog {
            side: Side::Caller,
            state: DialogState::Confirmed,
            id: DialogId {
                call_id: subscribe.headers.call_id()?.to_owned(),
                local_tag: tag_or_empty(&local),
                remote_tag,
            },
            local: only_tag(local),
            remote: only_tag(remote),
            local_contact: first_contact(&subscribe.headers),
            remote_target: subscribe.uri.clone(),
            remote_is_focus: false,
            route_set: notify.headers.record_routes()?,
            local_seq: Some(subscribe.headers.cseq()?.seq),
            remote_seq: Some(notify.headers.cseq()?.seq),
            credentials: Vec::new(),
        };
        if let Some(contact) = first_contact(&notify.headers) {
            dialog.refresh_target(&contact);
        }
        Ok(dialog)
    }

    /// What tells it from others.
    #[must_use]
    pub fn id(&self) -> &DialogId {
        &self.id
    }

    /// How far it has come.
    #[must_use]
    pub fn state(&self) -> DialogState {
        self.state
    }

    /// Us, with our tag.
    #[must_use]
    pub fn local(&self) -> &NameAddr {
        &self.local
    }

    /// Them, with their tag.
    #[must_use]
    pub fn remote(&self) -> &NameAddr {
        &self.remote
    }

    /// Where requests of ours are meant to arrive.
    #[must_use]
    pub fn remote_target(&self) -> &Uri {
        &self.remote_target
    }

    /// Whether what is there is the focus of a conference: its Contact says `isfocus` (RFC 4579
    /// section 5.1, RFC 3840 section 9).
    #[must_use]
    pub fn remote_is_focus(&self) -> bool {
        self.remote_is_focus
    }

    /// Makes an early dialog a confirmed one: a caller gives the 2xx that it received, a callee
    /// the one that it sends. A caller learns route set and target anew from it (section
    /// 13.2.2.4); what cannot be read in it stays as it was. Other responses change nothing.
    pub fn confirm(&mut self, response: &Response) {
        if !response.status.is_success() || self.state == DialogState::Confirmed {
            return;
        }
        self.state = DialogState::Confirmed;
        match self.side {
            Side::Caller => {
                if let Err(error) = self.learn_way(response) {
                    tracing::debug!(%error, "kept the route set of the early dialog");
                }
            }
            Side::Callee => {
                if let Some(contact) = first_contact(&response.headers) {
                    self.local_contact = Some(contact);
                }
            }
        }
    }

    /// Whom to send requests of this dialog to: the first route, else the target.
    #[must_use]
    pub fn next_hop(&self) -> Uri {
        self.route_set
            .first()
            .map_or(&self.remote_target, |route| &route.uri)
            .clone()
    }

    /// A request inside the dialog (section 12.2.1.1), without Via and body, with the next CSeq
    /// number. Methods that refresh the target carry our Contact. For ACK see
    /// [`ack`](Self::ack); a CANCEL is made from its INVITE, by the transaction layer.
    #[must_use]
    pub fn request(&mut self, method: Method) -> Request {
        let seq = self.next_seq();
        self.numbered(method, seq)
    }

    /// Gives a request that is sent again, with credentials perhaps, the next CSeq number.
    pub fn renumber(&mut self, request: &mut Request) {
        let seq = self.next_seq();
        request
            .headers
            .set(HeaderName::CSEQ, format!("{seq} {}", request.method));
    }

    /// Tells of an INVITE that goes out inside the dialog, as it goes out: its ACK needs the
    /// same credentials. The INVITE that made the dialog is known.
    pub fn note_invite(&mut self, invite: &Request) {
        self.credentials = credentials(invite);
    }

    /// The ACK of a 2xx to our INVITE with that CSeq number, without Via and body (section
    /// 13.2.2.4).
    #[must_use]
    pub fn ack(&self, invite_cseq: u32) -> Request {
        let mut ack = self.numbered(Method::Ack, invite_cseq);
        for header in &self.credentials {
            ack.headers.push_header(header.clone());
        }
        ack
    }

    /// Judges a request of theirs inside the dialog by its CSeq number (section 12.2.2), and
    /// remembers the number.
    ///
    /// Repetitions never come here: their transaction answers them.
    ///
    /// # Errors
    /// The status to answer with: 500 when a later request came before, 400 when there is no
    /// number.
    pub fn check_incoming(&mut self, request: &Request) -> Result<(), StatusCode> {
        if matches!(request.method, Method::Ack | Method::Cancel) {
            return Ok(()); // they repeat the number of their INVITE
        }
        let Ok(cseq) = request.headers.cseq() else {
            return Err(StatusCode::BAD_REQUEST);
        };
        if self.remote_seq.is_some_and(|latest| cseq.seq < latest) {
            return Err(StatusCode::SERVER_INTERNAL_ERROR);
        }
        self.remote_seq = Some(cseq.seq);
        Ok(())
    }

    /// They are reached elsewhere: the Contact of a re-INVITE or UPDATE of theirs that we
    /// accepted, or of their 2xx to one of ours (section 12.2, RFC 6141 section 4). The route
    /// set stays. A Contact that is no SIP URI changes nothing.
    pub fn refresh_target(&mut self, contact: &NameAddr) {
        if contact.uri.as_sip().is_some() {
            self.remote_target = contact.uri.clone();
            self.remote_is_focus = contact.params.has("isfocus");
        }
    }

    /// Requests of theirs find us elsewhere from the next request of ours on.
    pub fn set_local_contact(&mut self, contact: NameAddr) {
        self.local_contact = Some(contact);
    }

    fn next_seq(&mut self) -> u32 {
        // Section 8.1.1.5: below 2^31, so there is room for any call.
        let next = self.local_seq.map_or(1, |latest| latest.saturating_add(1));
        self.local_seq = Some(next);
        next
    }

    fn numbered(&self, method: Method, seq: u32) -> Request {
        let (uri, routes) = self.way();
        let mut request = Request::new(method, uri);
        let headers = &mut request.headers;
        for route in routes {
            headers.push(HeaderName::ROUTE, route.to_string());
        }
        headers.push(HeaderName::MAX_FORWARDS, "70");
        headers.push(HeaderName::FROM, self.local.to_string());
        headers.push(HeaderName::TO, self.remote.to_string());
        headers.push(HeaderName::CALL_ID, self.id.call_id.as_str());
        headers.push(HeaderName::CSEQ, format!("{seq} {}", request.method));
        if refreshes_target(&request.method)
            && let Some(contact) = &self.local_contact
        {
            headers.push(HeaderName::CONTACT, contact.to_string());
        }
        request
    }

    /// Request-URI and Routes (section 12.2.1.1). A strict router wants to be the Request-URI,
    /// and the target to be the last Route.
    fn way(&self) -> (Uri, Vec<NameAddr>) {
        let Some((first, others)) = self.route_set.split_first() else {
            return (self.remote_target.clone(), Vec::new());
        };
        match first.uri.as_sip() {
            Some(strict) if !strict.is_loose_router() => {
                let mut routes = others.to_vec();
                routes.push(NameAddr::new(self.remote_target.clone()));
                (strict.for_request_uri().into(), routes)
            }
            Some(_) | None => (self.remote_target.clone(), self.route_set.clone()),
        }
    }

    /// What a caller reads in a response: the route set backwards, and the target.
    fn learn_way(&mut self, response: &Response) -> Result<(), HeaderError> {
        let mut route_set = response.headers.record_routes()?;
        route_set.reverse();
        self.route_set = route_set;
        if let Some(contact) = first_contact(&response.headers) {
            self.refresh_target(&contact);
        }
        Ok(())
    }
}

/// Whether a request with this method tells anew where its sender is (sections 12.2 and 20.10,
/// RFC 3311, RFC 6665, RFC 3515).
fn refreshes_target(method: &Method) -> bool {
    matches!(
        method,
        Method::Invite | Method::Update | Method::Subscribe | Method::Notify | Method::Refer
    )
}

fn first_contact(headers: &Headers) -> Option<NameAddr> {
    match headers.contacts() {
        Ok(Contacts::List(contacts)) => contacts.into_iter().next(),
        Ok(Contacts::Star) | Err(_) => None,
    }
}

fn credentials(request: &Request) -> Vec<Header> {
    let is_credential = |header: &&Header| {
        header.name == HeaderName::AUTHORIZATION || header.name == HeaderName::PROXY_AUTHORIZATION
    };
    request
        .headers
        .iter()
        .filter(is_credential)
        .cloned()
        .collect()
}

fn tag_or_empty(name: &NameAddr) -> String {
    name.tag().unwrap_or_default().to_owned()
}

/// Without the parameters that belong to one message only.
fn only_tag(name: NameAddr) -> NameAddr {
    let bare = NameAddr {
        display_name: name.display_name.clone(),
        ..NameAddr::new(name.uri.clone())
    };
    match name.tag() {
        Some(tag) => bare.with_tag(tag),
        None => bare,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::{Message, parse_datagram};

    fn request(text: &str) -> Request {
        match parse_datagram(text.as_bytes()).unwrap().message {
            Message::Request(request) => request,
            Message::Response(response) => panic!("{response:?}"),
        }
    }

    /// Alice's INVITE as Bob receives it, with two Record-Routes.
    fn invite(record_routes: &[&str]) -> Request {
        let mut invite = request(
            "INVITE sip:bob@example.net SIP/2.0\r\n\
             Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n\
             Max-Forwards: 70\r\n\
             From: \"Alice\" <sip:alice@example.com>;tag=a;x=y\r\n\
             To: <sip:bob@example.net>\r\n\
             Call-ID: c1\r\n\
             CSeq: 314 INVITE\r\n\
             Contact: <sip:alice@192.0.2.1:5062>;+sip.instance=\"<urn:uuid:1>\"\r\n\
             Content-Length: 0\r\n\r\n",
        );
        for route in record_routes {
            invite.headers.push(HeaderName::RECORD_ROUTE, *route);
        }
        invite
    }

    fn response(invite: &Request, status: StatusCode, tag: Option<&str>) -> Response {
        let mut response = invite.response(status, tag);
        response
            .headers
            .set(HeaderName::CONTACT, "<sip:bob@198.51.100.7;ob>");
        response
    }

    const LOOSE: [&str; 2] = [
        "<sip:p2.example.net;lr>",
        "<sip:p1.example.com;lr;ftag=a:b>",
    ];

    fn routes(request: &Request) -> Vec<&str> {
        request.headers.get_all(&HeaderName::ROUTE).collect()
    }

    fn caller(record_routes: &[&str]) -> Dialog {
        let invite = invite(record_routes);
        Dialog::from_uac(&invite, &response(&invite, StatusCode::OK, Some("b"))).unwrap()
    }

    fn callee(record_routes: &[&str]) -> Dialog {
        let contact = "<sip:bob@198.51.100.7>".parse().unwrap();
        Dialog::from_uas(&invite(record_routes), "b", contact).unwrap()
    }

    fn id(local: &str, remote: &str) -> DialogId {
        DialogId {
            call_id: "c1".to_owned(),
            local_tag: local.to_owned(),
            remote_tag: remote.to_owned(),
        }
    }

    #[test]
    fn a_caller_reads_the_route_set_backwards() {
        let mut dialog = caller(&LOOSE);
        assert_eq!(dialog.state(), DialogState::Confirmed);
        assert_eq!(dialog.id(), &id("a", "b"));
        assert_eq!(
            dialog.next_hop().to_string(),
            "sip:p1.example.com;lr;ftag=a:b"
        );
        let bye = dialog.request(Method::Bye);
        assert_eq!(bye.uri.to_string(), "sip:bob@198.51.100.7;ob");
        assert_eq!(
            routes(&bye),
            [
                "<sip:p1.example.com;lr;ftag=a:b>",
                "<sip:p2.example.net;lr>"
            ]
        );
        assert_eq!(bye.headers.get(&HeaderName::CSEQ), Some("315 BYE"));
        assert_eq!(
            bye.headers.get(&HeaderName::FROM),
            Some("\"Alice\" <sip:alice@example.com>;tag=a")
        );
        assert_eq!(
            bye.headers.get(&HeaderName::TO),
            Some("<sip:bob@example.net>;tag=b")
        );
        assert_eq!(bye.headers.call_id().unwrap(), "c1");
        assert!(!bye.headers.has(&HeaderName::CONTACT));
        assert!(!bye.headers.has(&HeaderName::VIA));
    }

    #[test]
    fn a_callee_reads_the_route_set_forwards_and_counts_from_one() {
        let mut dialog = callee(&LOOSE);
        assert_eq!(dialog.id(), &id("b", "a"));
        let bye = dialog.request(Method::Bye);
        assert_eq!(bye.uri.to_string(), "sip:alice@192.0.2.1:5062");
        assert_eq!(routes(&bye), LOOSE);
        assert_eq!(bye.headers.get(&HeaderName::CSEQ), Some("1 BYE"));
        assert_eq!(
            bye.headers.get(&HeaderName::FROM),
            Some("<sip:bob@example.net>;tag=b")
        );
        assert_eq!(
            bye.headers.get(&HeaderName::TO),
            Some("\"Alice\" <sip:alice@example.com>;tag=a")
        );
    }

    #[test]
    fn a_strict_router_becomes_the_request_uri_and_the_target_the_last_route() {
        let mut dialog = callee(&["<sip:strict.example.net;x=1>", "<sip:p1.example.com;lr>"]);
        let bye = dialog.request(Method::Bye);
        assert_eq!(bye.uri.to_string(), "sip:strict.example.net;x=1");
        assert_eq!(
            routes(&bye),
            ["<sip:p1.example.com;lr>", "<sip:alice@192.0.2.1:5062>"]
        );
        assert_eq!(dialog.next_hop().to_string(), "sip:strict.example.net;x=1");
    }

    #[test]
    fn without_routes_requests_go_to_the_target() {
        let mut dialog = caller(&[]);
        assert_eq!(dialog.next_hop().to_string(), "sip:bob@198.51.100.7;ob");
        assert_eq!(routes(&dialog.request(Method::Info)), Vec::<&str>::new());
    }

    #[test]
    fn each_leg_of_a_fork_is_a_dialog_of_its_own() {
        let invite = invite(&[]);
        let ring = |tag| response(&invite, StatusCode::RINGING, Some(tag));
        let one = Dialog::from_uac(&invite, &ring("b1")).unwrap();
        let two = Dialog::from_uac(&invite, &ring("b2")).unwrap();
        assert_eq!((one.id(), two.id()), (&id("a", "b1"), &id("a", "b2")));
        assert_eq!(DialogId::of_response(&ring("b2")).as_ref(), Some(two.id()));
    }

    #[test]
    fn a_2xx_confirms_an_early_dialog_with_its_own_route_set_and_target() {
        let invite = invite(&[]);
        let mut ringing = response(&invite, StatusCode::RINGING, Some("b"));
        ringing
            .headers
            .push(HeaderName::RECORD_ROUTE, "<sip:early.example.net;lr>");
        let mut dialog = Dialog::from_uac(&invite, &ringing).unwrap();
        assert_eq!(dialog.state(), DialogState::Early);
        assert_eq!(dialog.next_hop().to_string(), "sip:early.example.net;lr");

        dialog.confirm(&response(&invite, StatusCode::RINGING, Some("b")));
        assert_eq!(dialog.state(), DialogState::Early);
        let mut ok = response(&invite, StatusCode::OK, Some("b"));
        ok.headers.set(HeaderName::CONTACT, "<sip:bob@203.0.113.1>");
        ok.headers
            .push(HeaderName::RECORD_ROUTE, "<sip:final.example.net;lr>");
        dialog.confirm(&ok);
        assert_eq!(dialog.state(), DialogState::Confirmed);
        assert_eq!(dialog.next_hop().to_string(), "sip:final.example.net;lr");
        assert_eq!(dialog.remote_target().to_string(), "sip:bob@203.0.113.1");

        // A repetition with other routes changes a confirmed dialog no more.
        dialog.confirm(&response(&invite, StatusCode::OK, Some("b")));
        assert_eq!(dialog.next_hop().to_string(), "sip:final.example.net;lr");
    }

    #[test]
    fn a_callee_is_confirmed_by_its_own_2xx_and_keeps_the_route_set() {
        let mut dialog = callee(&LOOSE);
        assert_eq!(dialog.state(), DialogState::Early);
        let ok = response(&invite(&LOOSE), StatusCode::OK, Some("b"));
        dialog.confirm(&ok);
        assert_eq!(dialog.state(), DialogState::Confirmed);
        assert_eq!(routes(&dialog.request(Method::Bye)), LOOSE);
        assert_eq!(
            dialog.remote_target().to_string(),
            "sip:alice@192.0.2.1:5062"
        );
    }

    #[test]
    fn what_makes_no_dialog_is_said() {
        let invite = invite(&[]);
        let made = |status, tag| Dialog::from_uac(&invite, &response(&invite, status, tag));
        for status in [
            StatusCode::TRYING,
            StatusCode::BUSY_HERE,
            StatusCode::MOVED_TEMPORARILY,
        ] {
            assert_eq!(
                made(status, Some("b")).unwrap_err(),
                DialogError::Status(status)
            );
        }
        assert_eq!(
            made(StatusCode::RINGING, None).unwrap_err(),
            DialogError::NoTag
        );
        assert_eq!(made(StatusCode::OK, None).unwrap().id(), &id("a", ""));

        let mut nowhere = invite.clone();
        nowhere.headers.remove(&HeaderName::CONTACT);
        let contact: NameAddr = "<sip:bob@198.51.100.7>".parse().unwrap();
        assert_eq!(
            Dialog::from_uas(&nowhere, "b", contact.clone()).unwrap_err(),
            DialogError::NoContact
        );
        nowhere.headers.set(HeaderName::CONTACT, "<tel:+15551234>");
        assert_eq!(
            Dialog::from_uas(&nowhere, "b", contact).unwrap_err(),
            DialogError::NoContact
        );
    }

    #[test]
    fn an_answer_without_contact_leaves_the_target_where_the_invite_went() {
        let invite = invite(&[]);
        let bare = invite.response(StatusCode::OK, Some("b"));
        let dialog = Dialog::from_uac(&invite, &bare).unwrap();
        assert_eq!(dialog.remote_target().to_string(), "sip:bob@example.net");
    }

    #[test]
    fn an_ack_repeats_number_and_credentials_of_its_invite() {
        let mut invite = invite(&LOOSE);
        invite
            .headers
            .push(HeaderName::PROXY_AUTHORIZATION, "Digest username=\"alice\"");
        let ok = response(&invite, StatusCode::OK, Some("b"));
        let mut dialog = Dialog::from_uac(&invite, &ok).unwrap();
        let ack = dialog.ack(314);
        assert_eq!(ack.headers.get(&HeaderName::CSEQ), Some("314 ACK"));
        assert_eq!(
            ack.headers.get(&HeaderName::PROXY_AUTHORIZATION),
            Some("Digest username=\"alice\"")
        );
        assert_eq!(ack.uri.to_string(), "sip:bob@198.51.100.7;ob");
        assert_eq!(routes(&ack).len(), 2);

        let mut again = dialog.request(Method::Invite);
        again
            .headers
            .push(HeaderName::AUTHORIZATION, "Digest username=\"other\"");
        dialog.note_invite(&again);
        let ack = dialog.ack(315);
        assert!(ack.headers.has(&HeaderName::AUTHORIZATION));
        assert!(!ack.headers.has(&HeaderName::PROXY_AUTHORIZATION));
        assert_eq!(
            dialog.request(Method::Bye).headers.get(&HeaderName::CSEQ),
            Some("316 BYE"),
            "an ACK takes no number"
        );
    }

    #[test]
    fn a_re_invite_carries_our_contact_and_the_next_number_each_time() {
        let mut dialog = callee(&[]);
        let mut again = dialog.request(Method::Invite);
        assert_eq!(
            again.headers.get(&HeaderName::CONTACT),
            Some("<sip:bob@198.51.100.7>")
        );
        assert_eq!(again.headers.get(&HeaderName::CSEQ), Some("1 INVITE"));
        dialog.renumber(&mut again);
        assert_eq!(
            again.headers.get_all(&HeaderName::CSEQ).collect::<Vec<_>>(),
            ["2 INVITE"]
        );
        dialog.set_local_contact("<sip:bob@203.0.113.2>".parse().unwrap());
        let update = dialog.request(Method::Update);
        assert_eq!(
            update.headers.get(&HeaderName::CONTACT),
            Some("<sip:bob@203.0.113.2>")
        );
        assert_eq!(update.headers.get(&HeaderName::CSEQ), Some("3 UPDATE"));
    }

    fn from_alice(method: Method, seq: u32) -> Request {
        let mut request = invite(&[]);
        request
            .headers
            .set(HeaderName::CSEQ, format!("{seq} {method}"));
        request
            .headers
            .set(HeaderName::TO, "<sip:bob@example.net>;tag=b");
        request.method = method;
        request
    }

    #[test]
    fn a_request_with_a_lower_number_than_one_before_is_out_of_order() {
        let mut dialog = callee(&[]);
        assert_eq!(
            dialog.check_incoming(&from_alice(Method::Info, 317)),
            Ok(())
        );
        assert_eq!(
            dialog.check_incoming(&from_alice(Method::Info, 316)),
            Err(StatusCode::SERVER_INTERNAL_ERROR)
        );
        assert_eq!(dialog.check_incoming(&from_alice(Method::Bye, 318)), Ok(()));
        assert_eq!(dialog.check_incoming(&from_alice(Method::Ack, 314)), Ok(()));
        assert_eq!(
            dialog.check_incoming(&from_alice(Method::Info, 317)),
            Err(StatusCode::SERVER_INTERNAL_ERROR),
            "an ACK does not turn the count back"
        );
    }

    #[test]
    fn a_caller_takes_the_first_number_of_the_callee_whatever_it_is() {
        let mut dialog = caller(&[]);
        assert_eq!(dialog.check_incoming(&from_alice(Method::Bye, 0)), Ok(()));
    }

    #[test]
    fn an_incoming_request_is_found_by_call_id_and_both_tags() {
        let dialog = callee(&[]);
        let found = DialogId::of_incoming(&from_alice(Method::Bye, 315));
        assert_eq!(found.as_ref(), Some(dialog.id()));
        assert_eq!(
            DialogId::of_incoming(&invite(&[])),
            None,
            "no To tag, no dialog"
        );
    }

    #[test]
    fn the_target_moves_with_the_contact_unless_that_is_no_sip_uri() {
        let mut dialog = callee(&LOOSE);
        dialog.refresh_target(&"<sip:alice@203.0.113.9>".parse().unwrap());
        dialog.refresh_target(&"<tel:+15551234>".parse().unwrap());
        let bye = dialog.request(Method::Bye);
        assert_eq!(bye.uri.to_string(), "sip:alice@203.0.113.9");
        assert_eq!(routes(&bye), LOOSE, "the route set stays");
    }

    #[test]
    fn a_subscriber_learns_its_dialog_from_the_first_notify() {
        let mut subscribe = invite(&[]);
        subscribe.method = Method::Subscribe;
        subscribe.headers.set(HeaderName::CSEQ, "7 SUBSCRIBE");
        let mut notify = request(
            "NOTIFY sip:alice@192.0.2.1:5062 SIP/2.0\r\n\
             Via: SIP/2.0/UDP 198.51.100.7;branch=z9hG4bK2\r\n\
             Max-Forwards: 70\r\n\
             From: <sip:bob@example.net>;tag=n\r\n\
             To: <sip:alice@example.com>;tag=a\r\n\
             Call-ID: c1\r\n\
             CSeq: 20 NOTIFY\r\n\
             Contact: <sip:bob@198.51.100.7:5070>\r\n\
             Content-Length: 0\r\n\r\n",
        );
        for route in LOOSE {
            notify.headers.push(HeaderName::RECORD_ROUTE, route);
        }
        let mut dialog = Dialog::from_notify(&subscribe, &notify).unwrap();
        assert_eq!(dialog.id(), &id("a", "n"));
        assert_eq!(DialogId::of_incoming(&notify).as_ref(), Some(dialog.id()));
        let refresh = dialog.request(Method::Subscribe);
        assert_eq!(refresh.uri.to_string(), "sip:bob@198.51.100.7:5070");
        assert_eq!(routes(&refresh), LOOSE, "read forwards");
        assert_eq!(
            refresh.headers.get(&HeaderName::CSEQ),
            Some("8 SUBSCRIBE"),
            "one more than the SUBSCRIBE that asked for it"
        );
        assert!(refresh.headers.has(&HeaderName::CONTACT));
        notify.headers.set(HeaderName::CSEQ, "19 NOTIFY");
        assert_eq!(
            dialog.check_incoming(&notify),
            Err(StatusCode::SERVER_INTERNAL_ERROR)
        );
        notify
            .headers
            .set(HeaderName::FROM, "<sip:bob@example.net>");
        assert_eq!(
            Dialog::from_notify(&subscribe, &notify).unwrap_err(),
            DialogError::NoTag
        );
    }
}

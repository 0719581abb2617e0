//! What belongs to which transaction (RFC 3261 sections 17.1.3, 17.2.3 and 8.2.2.2).

use crate::sip::{HostPort, Method, Request, Response, Via};

/// What a response is matched by: the branch and the method of CSeq.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ResponseMatch {
    branch: String,
    method: Method,
}

impl ResponseMatch {
    pub(super) fn new(branch: &str, method: Method) -> Self {
        // Via parameters compare without regard to case (section 7.3.1).
        ResponseMatch {
            branch: branch.to_ascii_lowercase(),
            method,
        }
    }

    /// Of a response, and of its one Via. A second Via says that it was meant for a proxy
    /// (section 8.1.3.3).
    pub(super) fn of(response: &Response) -> Option<(Self, Via)> {
        let vias = response.headers.vias().ok()?;
        let [via] = <[Via; 1]>::try_from(vias).ok()?;
        let method = response.headers.cseq().ok()?.method;
        Some((ResponseMatch::new(via.branch()?, method), via))
    }
}

/// What a request is matched by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum RequestMatch {
    /// The sender follows RFC 3261: branch and sent-by name the transaction.
    Branch {
        branch: String,
        sent_by: String,
        method: Method,
    },
    /// The sender follows RFC 2543: the request itself names it, but for the To tag, which the
    /// INVITE lacks and its ACK has.
    Rfc2543 {
        uri: String,
        from_tag: String,
        call_id: String,
        cseq: u32,
        via: String,
        method: Method,
    },
}

impl RequestMatch {
    /// Of a request as it came, before its Via is stamped. An ACK gives the match of its INVITE.
    /// `None` when a header that is needed cannot be read.
    pub(super) fn of(request: &Request) -> Option<Self> {
        let method = match &request.method {
            Method::Ack => Method::Invite,
            other => other.clone(),
        };
        RequestMatch::with_method(request, method)
    }

    /// Of the INVITE that this CANCEL takes back. Other requests cannot be cancelled (section
    /// 9.1): they are answered at once.
    pub(super) fn cancelled_by(cancel: &Request) -> Option<Self> {
        RequestMatch::with_method(cancel, Method::Invite)
    }

    pub(super) fn is_rfc2543(&self) -> bool {
        matches!(self, RequestMatch::Rfc2543 { .. })
    }

    fn with_method(request: &Request, method: Method) -> Option<Self> {
        let headers = &request.headers;
        let via = headers.top_via().ok()?;
        match via.branch() {
            Some(branch) if via.has_magic_cookie() => Some(RequestMatch::Branch {
                branch: branch.to_ascii_lowercase(),
                sent_by: normal_sent_by(&via.sent_by),
                method,
            }),
            _ => Some(RequestMatch::Rfc2543 {
                uri: request.uri.to_string(),
                from_tag: headers.from().ok()?.tag().unwrap_or_default().to_owned(),
                call_id: headers.call_id().ok()?.to_owned(),
                cseq: headers.cseq().ok()?.seq,
                via: via.to_string(),
                method,
            }),
        }
    }
}

/// What two requests share that are the same one, come by two ways (section 8.2.2.2).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct MergeMatch {
    from_tag: String,
    call_id: String,
    cseq: u32,
    method: Method,
}

impl MergeMatch {
    /// `None` for what cannot be merged: a request inside a dialog, or of an unreadable sender.
    pub(super) fn of(request: &Request) -> Option<Self> {
        let headers = &request.headers;
        if headers.to().ok()?.tag().is_some() || request.method == Method::Cancel {
            return None;
        }
        let cseq = headers.cseq().ok()?;
        Some(MergeMatch {
            from_tag: headers.from().ok()?.tag()?.to_owned(),
            call_id: headers.call_id().ok()?.to_owned(),
            cseq: cseq.seq,
            method: cseq.method,
        })
    }
}

/// What the ACK of a 2xx is matched by: the dialog and the number of the INVITE (section
/// 13.2.2.4).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct AckMatch {
    call_id: String,
    local_tag: String,
    remote_tag: String,
    cseq: u32,
}

impl AckMatch {
    pub(super) fn of_ack(ack: &Request) -> Option<Self> {
        AckMatch::of(&ack.headers)
    }

    pub(super) fn of_response(response: &Response) -> Option<Self> {
        AckMatch::of(&response.headers)
    }

    fn of(headers: &crate::sip::Headers) -> Option<Self> {
        Some(AckMatch {
            call_id: headers.call_id().ok()?.to_owned(),
            local_tag: headers.to().ok()?.tag().unwrap_or_default().to_owned(),
            remote_tag: headers.from().ok()?.tag().unwrap_or_default().to_owned(),
            cseq: headers.cseq().ok()?.seq,
        })
    }
}

/// Whether two sent-by values name the same host and port (section 18.1.2).
pub(super) fn same_sent_by(one: &HostPort, other: &HostPort) -> bool {
    normal_sent_by(one) == normal_sent_by(other)
}

/// The To tag of a request; empty when there is none.
pub(super) fn to_tag(request: &Request) -> String {
    request
        .headers
        .to()
        .ok()
        .and_then(|to| to.tag().map(str::to_owned))
        .unwrap_or_default()
}

/// Whether the hops a request may take are used up: who would forward it answers 483 instead
/// (section 16.3). The user agent it is meant for takes it all the same (section 8.2.2).
#[must_use]
pub fn hops_exhausted(request: &Request) -> bool {
    matches!(request.headers.max_forwards(), Ok(Some(0)))
}

/// Whether a request came through `us` before: who would forward it answers 482 instead
/// (section 16.3).
#[must_use]
pub fn passed_through(request: &Request, us: &HostPort) -> bool {
    request
        .headers
        .vias()
        .is_ok_and(|vias| vias.iter().any(|via| same_sent_by(&via.sent_by, us)))
}

/// Host names in small letters, ports always told.
fn normal_sent_by(sent_by: &HostPort) -> String {
    let port = sent_by.port.unwrap_or(5060);
    format!("{}:{port}", sent_by.host.to_string().to_ascii_lowercase())
}

//! The other side of a call, played by the story itself, message by message.

use std::net::SocketAddr;

use ramal::sip::{Message, Request, Response, StatusCode, parse_datagram};

use super::World;

/// Where the stranger stands.
pub(crate) const STRANGER: &str = "10.0.0.7:5060";

pub(crate) fn address() -> SocketAddr {
    STRANGER.parse().expect("an address")
}

/// Sound at one port of the stranger's, as an offer or an answer: PCMA alone.
pub(crate) fn sound(port: u16) -> String {
    format!(
        "v=0\r\no=- 1 1 IN IP4 10.0.0.7\r\ns=-\r\nc=IN IP4 10.0.0.7\r\nt=0 0\r\n\
         m=audio {port} RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\n"
    )
}

/// A request that the stranger sends.
pub(crate) struct Line<'a> {
    pub(crate) method: &'a str,
    /// The Request-URI.
    pub(crate) uri: &'a str,
    pub(crate) branch: &'a str,
    pub(crate) cseq: u32,
    pub(crate) to_tag: &'a str,
    /// Further headers, each with its line end.
    pub(crate) headers: &'a str,
    /// Sound.
    pub(crate) body: &'a str,
    /// In its place: words.
    pub(crate) text: &'a str,
}

impl Default for Line<'_> {
    fn default() -> Self {
        Line {
            method: "INVITE",
            uri: "sip:bia@10.0.0.2",
            branch: "z9hG4bKone",
            cseq: 1,
            to_tag: "",
            headers: "",
            body: "",
            text: "",
        }
    }
}

impl World {
    /// The stranger says something to a phone.
    pub(crate) fn stranger_asks(&mut self, to: &str, line: &Line<'_>) {
        self.asks_from(address(), to, line);
    }

    /// The same words from another address.
    pub(crate) fn asks_from(&mut self, from: SocketAddr, to: &str, line: &Line<'_>) {
        let Line {
            method,
            uri,
            branch,
            cseq,
            to_tag,
            headers,
            body,
            text: words,
        } = line;
        let tag = if to_tag.is_empty() { "" } else { ";tag=" };
        let kind = match (body.is_empty(), words.is_empty()) {
            (false, _) => "Content-Type: application/sdp\r\n",
            (true, false) if !headers.contains("Content-Type") => "Content-Type: text/plain\r\n",
            (true, _) => "",
        };
        let body = if body.is_empty() { words } else { body };
        // Hops are left, unless the story says how many.
        let hops = if headers.contains("Max-Forwards") {
            ""
        } else {
            "Max-Forwards: 70\r\n"
        };
        let text = format!(
            "{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {STRANGER};branch={branch}\r\n\
             From: <sip:stranger@10.0.0.7>;tag=theirs\r\nTo: <{uri}>{tag}{to_tag}\r\n\
             Call-ID: strange-call\r\nCSeq: {cseq} {method}\r\n\
             Contact: <sip:stranger@{STRANGER}>\r\n{hops}{headers}{kind}\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let to = to.parse().expect("an address");
        self.inject(from, to, text.as_bytes());
    }

    /// The stranger answers a request, with that tag; with a body it is sound at a port, and the
    /// Contact has the same port.
    pub(crate) fn stranger_answers(
        &mut self,
        request: &Request,
        to: &str,
        status: u16,
        tag: &str,
        port: Option<u16>,
    ) {
        let body = port.map(sound);
        self.stranger_describes(request, to, (status, tag), port, body);
    }

    /// The same with a description of any kind.
    pub(crate) fn stranger_describes(
        &mut self,
        request: &Request,
        to: &str,
        (status, tag): (u16, &str),
        port: Option<u16>,
        body: Option<String>,
    ) {
        let status = StatusCode::new(status).expect("a status");
        let mut response = request.response(status, Some(tag));
        if status.code() < 300 {
            let port = port.unwrap_or(5060);
            response
                .headers
                .push("Contact", format!("<sip:bia@10.0.0.7:{port}>"));
        }
        if let Some(body) = body {
            response.set_body("application/sdp", body.into_bytes());
        }
        let bytes = response.to_bytes().expect("a message");
        self.inject(address(), to.parse().expect("an address"), &bytes);
    }

    /// What the stranger and others without a phone were asked, repetitions included.
    pub(crate) fn asked_outside(&self, method: &str) -> Vec<Request> {
        let messages = self.outside.iter().filter_map(|datagram| {
            let parsed = parse_datagram(&datagram.bytes).expect("phones write what can be read");
            match parsed.message {
                Message::Request(request) => Some(request),
                Message::Response(_) => None,
            }
        });
        messages
            .filter(|request| request.method.as_str() == method)
            .collect()
    }

    /// What the stranger was answered with that status.
    pub(crate) fn answered_outside(&self, status: u16) -> Vec<Response> {
        let messages = self.outside.iter().filter_map(|datagram| {
            let parsed = parse_datagram(&datagram.bytes).expect("phones write what can be read");
            match parsed.message {
                Message::Response(response) => Some(response),
                Message::Request(_) => None,
            }
        });
        messages
            .filter(|response| response.status.code() == status)
            .collect()
    }
}

//! Somebody who publishes what others do at a presence server (RFC 3903), in as few words as do.

use std::collections::BTreeMap;
use std::net::UdpSocket;
use std::time::Duration;

use super::DOMAIN;

/// Publishes for any number of users from one port.
pub(crate) struct Publisher {
    socket: UdpSocket,
    server: String,
    /// The name under which the server holds what was said of a user.
    tags: BTreeMap<String, String>,
    sent: u32,
}

impl Publisher {
    pub(crate) fn new(server: &str) -> Publisher {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("loopback has ports");
        let patience = Some(Duration::from_secs(5));
        socket.set_read_timeout(patience).expect("a time");
        Publisher {
            socket,
            server: server.to_owned(),
            tags: BTreeMap::new(),
            sent: 0,
        }
    }

    /// Says that a user has a call in this state: `early`, `confirmed`, `terminated`.
    pub(crate) fn call(&mut self, user: &str, state: &str) {
        let body = format!(
            "<?xml version=\"1.0\"?>\n<dialog-info xmlns=\"urn:ietf:params:xml:ns:dialog-info\" \
             version=\"{}\" state=\"full\" entity=\"sip:{user}@{DOMAIN}\"><dialog id=\"{user}\" \
             call-id=\"call-{user}\" local-tag=\"l{user}\" remote-tag=\"r{user}\" \
             direction=\"recipient\"><state>{state}</state></dialog></dialog-info>",
            self.sent
        );
        self.publish(user, &body);
    }

    fn publish(&mut self, user: &str, body: &str) {
        self.sent += 1;
        let here = self.socket.local_addr().expect("it is bound");
        let (sent, me) = (self.sent, std::process::id());
        let known = match self.tags.get(user) {
            Some(tag) => format!("SIP-If-Match: {tag}\r\n"),
            None => String::new(),
        };
        let text = format!(
            "PUBLISH sip:{user}@{DOMAIN} SIP/2.0\r\n\
             Via: SIP/2.0/UDP {here};branch=z9hG4bKp{me}x{sent};rport\r\n\
             From: <sip:{user}@{DOMAIN}>;tag=p{sent}\r\nTo: <sip:{user}@{DOMAIN}>\r\n\
             Call-ID: p{me}x{sent}\r\nCSeq: 1 PUBLISH\r\nMax-Forwards: 70\r\nEvent: dialog\r\n\
             Expires: 3600\r\n{known}Content-Type: application/dialog-info+xml\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        self.socket
            .send_to(text.as_bytes(), &self.server)
            .expect("it is sent");
        let mut answer = [0; 4096];
        let length = self.socket.recv(&mut answer).expect("the server answers");
        let answer = String::from_utf8_lossy(&answer[..length]);
        assert!(answer.starts_with("SIP/2.0 200"), "{answer}");
        let tag = answer
            .lines()
            .find_map(|line| line.strip_prefix("SIP-ETag: "));
        let tag = tag.expect("it is named").trim().to_owned();
        self.tags.insert(user.to_owned(), tag);
    }
}

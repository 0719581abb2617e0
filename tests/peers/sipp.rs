//! SIPp, which plays a written dialogue to the letter, in time and out of it.
//!
//! Scenarios are put together from steps rather than stored as XML: most differ from each other by
//! one line, and that line is what a reader should see.

use super::process::{Running, command, find};
use super::{password, ports, tail};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A session description offering PCMA, PCMU and telephone events.
pub(crate) const OFFER: &str = "v=0\no=sipp 1 1 IN IP[local_ip_type] [local_ip]\ns=-\n\
    c=IN IP[media_ip_type] [media_ip]\nt=0 0\nm=audio [media_port] RTP/AVP 8 0 101\n\
    a=rtpmap:8 PCMA/8000\na=rtpmap:0 PCMU/8000\na=rtpmap:101 telephone-event/8000\n\
    a=fmtp:101 0-15\na=ptime:20\n";

/// One that offers nothing anybody speaks.
pub(crate) const UNKNOWN_OFFER: &str = "v=0\no=sipp 1 1 IN IP[local_ip_type] [local_ip]\ns=-\n\
    c=IN IP[media_ip_type] [media_ip]\nt=0 0\nm=audio [media_port] RTP/AVP 77\n\
    a=rtpmap:77 NOBODY-KNOWS/8000\n";

/// An answer choosing PCMA alone.
pub(crate) const ANSWER: &str = "v=0\no=sipp 1 1 IN IP[local_ip_type] [local_ip]\ns=-\n\
    c=IN IP[media_ip_type] [media_ip]\nt=0 0\nm=audio [media_port] RTP/AVP 8 101\n\
    a=rtpmap:8 PCMA/8000\na=rtpmap:101 telephone-event/8000\na=fmtp:101 0-15\n";

/// What is kept of the INVITE that began a call, by the name of a variable.
const KEPT: &[(&str, &str)] = &[
    ("via", "Via"),
    ("cseq", "CSeq"),
    ("caller", "From"),
    ("callee", "To"),
];

/// A dialogue, step by step, from SIPp's side.
#[derive(Clone)]
pub(crate) struct Scenario {
    name: String,
    steps: String,
    variables: u32,
    /// Variables that check something and are read by nobody.
    unread: Vec<String>,
}

/// A request as the calling side writes it.
#[derive(Clone)]
pub(crate) struct Request<'a> {
    pub(crate) method: &'a str,
    pub(crate) cseq: u32,
    /// Requests with one branch are one transaction, retransmitted.
    pub(crate) branch: &'a str,
    pub(crate) headers: &'a str,
    pub(crate) body: &'a str,
    /// Inside the dialog that a 2xx has begun.
    pub(crate) in_dialog: bool,
    /// Sent by the side that was called: From and To are those of the INVITE, turned around.
    pub(crate) by_callee: bool,
}

impl Default for Request<'_> {
    fn default() -> Self {
        Request {
            method: "INVITE",
            cseq: 1,
            branch: "first",
            headers: "",
            body: "",
            in_dialog: false,
            by_callee: false,
        }
    }
}

impl Request<'_> {
    /// The same from the side that was called.
    pub(crate) fn as_callee(&self) -> Self {
        Request {
            by_callee: true,
            ..self.clone()
        }
    }

    fn text(&self) -> String {
        let target = if self.in_dialog {
            "[next_url]"
        } else {
            "sip:[service]@[remote_ip]:[remote_port]"
        };
        let routes = if self.in_dialog { "[routes]\n" } else { "" };
        let tag = if self.in_dialog {
            "[peer_tag_param]"
        } else {
            ""
        };
        let kind = if self.body.is_empty() {
            ""
        } else {
            "Content-Type: application/sdp\n"
        };
        let (from, to) = if self.by_callee {
            (
                "[$callee];tag=[pid]u[call_number]".to_owned(),
                "[$caller]".to_owned(),
            )
        } else {
            (
                " <sip:[$from]@[$domain]>;tag=[pid]t[call_number]".to_owned(),
                format!(" <sip:[service]@[$domain]>{tag}"),
            )
        };
        // A scenario that names another type means it.
        let kind = if self.headers.contains("Content-Type:") {
            ""
        } else {
            kind
        };
        format!(
            "{method} {target} SIP/2.0\n\
             Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=z9hG4bK[pid]x[call_number]x{branch};rport\n\
             {routes}Max-Forwards: 70\n\
             From:{from}\n\
             To:{to}\n\
             Call-ID: [call_id]\n\
             CSeq: {cseq} {method}\n\
             Contact: <sip:[$from]@[local_ip]:[local_port];transport=[transport]>\n\
             {headers}{kind}Content-Length: [len]\n\n{body}",
            method = self.method,
            branch = self.branch,
            cseq = self.cseq,
            headers = self.headers,
            body = self.body,
        )
    }
}

impl Scenario {
    pub(crate) fn new(name: &str) -> Scenario {
        Scenario {
            name: name.to_owned(),
            steps: String::new(),
            variables: 0,
            unread: Vec::new(),
        }
    }

    fn step(mut self, text: std::fmt::Arguments<'_>) -> Scenario {
        self.steps.write_fmt(text).expect("strings take everything");
        self.steps.push('\n');
        self
    }

    /// Sends a request once.
    pub(crate) fn send(self, request: &Request<'_>) -> Scenario {
        self.step(format_args!(
            "<send><![CDATA[\n{}\n]]></send>",
            request.text()
        ))
    }

    /// Acknowledges the 2xx received last, with an answer if the 2xx held the offer.
    pub(crate) fn ack(self, cseq: u32, body: &str) -> Scenario {
        self.send(&Request {
            method: "ACK",
            cseq,
            branch: "ack",
            body,
            in_dialog: true,
            ..Request::default()
        })
    }

    /// Acknowledges the refusal received last, inside the transaction of `branch`.
    pub(crate) fn ack_refusal(self, cseq: u32, branch: &str) -> Scenario {
        let request = Request {
            method: "ACK",
            cseq,
            branch,
            ..Request::default()
        };
        let text = request.text().replace(
            "To: <sip:[service]@[$domain]>",
            "To: <sip:[service]@[$domain]>[peer_tag_param]",
        );
        self.step(format_args!("<send><![CDATA[\n{text}\n]]></send>"))
    }

    /// Hangs up and wants that answered.
    pub(crate) fn bye(self, cseq: u32) -> Scenario {
        self.send(&Request {
            method: "BYE",
            cseq,
            branch: "bye",
            in_dialog: true,
            ..Request::default()
        })
        .expect(200)
    }

    /// This response must come next; those allowed by [`Self::may_see`] just before may precede it.
    pub(crate) fn expect(self, status: u16) -> Scenario {
        self.step(format_args!("<recv response=\"{status}\"/>"))
    }

    /// A 200 to the INVITE, which begins the dialog; `checks` as in [`Self::expect_with`].
    pub(crate) fn expect_answer(self, checks: &[(&str, &str)]) -> Scenario {
        self.expect_checked(200, " rrs=\"true\"", checks)
    }

    pub(crate) fn may_see(self, status: u16) -> Scenario {
        self.step(format_args!(
            "<recv response=\"{status}\" optional=\"true\"/>"
        ))
    }

    /// This response must come next, and match each of `checks`: a header (or `body`) and a pattern.
    pub(crate) fn expect_with(self, status: u16, checks: &[(&str, &str)]) -> Scenario {
        self.expect_checked(status, "", checks)
    }

    fn expect_checked(mut self, status: u16, keep: &str, checks: &[(&str, &str)]) -> Scenario {
        let checks = match self.checks(checks) {
            none if none.is_empty() => none,
            some => format!("<action>{some}</action>"),
        };
        self.step(format_args!(
            "<recv response=\"{status}\"{keep}>{checks}</recv>"
        ))
    }

    /// This response must come next; keeps of each header its value, by the name of a variable.
    pub(crate) fn expect_kept(self, status: u16, kept: &[(&str, &str)]) -> Scenario {
        let kept = kept.iter().map(|(variable, header)| {
            format!(
                "<ereg regexp=\"[^ ]+\" search_in=\"hdr\" header=\"{header}:\" assign_to=\"{variable}\"/>"
            )
        });
        let kept: String = kept.collect();
        self.step(format_args!(
            "<recv response=\"{status}\" rrs=\"true\"><action>{kept}</action></recv>"
        ))
    }

    /// This challenge must come next; the request after it may say `[authentication]`.
    pub(crate) fn expect_challenge(self, status: u16) -> Scenario {
        self.step(format_args!("<recv response=\"{status}\" auth=\"true\"/>"))
    }

    /// This request must come next.
    pub(crate) fn await_request(self, method: &str) -> Scenario {
        self.step(format_args!("<recv request=\"{method}\"/>"))
    }

    /// This request must come next, and match each of `checks` as in [`Self::expect_with`].
    pub(crate) fn await_request_with(mut self, method: &str, checks: &[(&str, &str)]) -> Scenario {
        let checks = self.checks(checks);
        self.step(format_args!(
            "<recv request=\"{method}\"><action>{checks}</action></recv>"
        ))
    }

    /// Takes an INVITE and keeps what later answers to it and requests of the callee need.
    pub(crate) fn await_call(self) -> Scenario {
        self.await_call_with(&[])
    }

    /// Takes an INVITE that must match `checks`, as in [`Self::expect_with`].
    pub(crate) fn await_call_with(mut self, checks: &[(&str, &str)]) -> Scenario {
        let checks = self.checks(checks);
        self.take_call(&checks)
    }

    /// Takes an INVITE that must prove the password of `user`.
    pub(crate) fn await_call_with_proof(mut self, user: &str) -> Scenario {
        self.variables += 1;
        let (n, password) = (self.variables, password(user));
        self.take_call(&format!(
            "<verifyauth assign_to=\"v{n}\" username=\"{user}\" password=\"{password}\"/>"
        ))
        .step(format_args!(
            "<nop condexec=\"v{n}\" condexec_inverse=\"true\"><action>\
             <error message=\"the proof is wrong\"/></action></nop>"
        ))
    }

    /// The same for another request that begins a dialog.
    pub(crate) fn await_first(self, method: &str) -> Scenario {
        self.take_first(method, "")
    }

    fn take_call(self, actions: &str) -> Scenario {
        self.take_first("INVITE", actions)
    }

    fn take_first(self, method: &str, actions: &str) -> Scenario {
        let kept: String = KEPT
            .iter()
            .map(|(variable, header)| {
                format!(
                    "<ereg regexp=\".*\" search_in=\"hdr\" header=\"{header}:\" assign_to=\"{variable}\"/>"
                )
            })
            .collect();
        self.step(format_args!(
            "<recv request=\"{method}\" rrs=\"true\"><action>{kept}{actions}</action></recv>"
        ))
    }

    /// Answers the request received last, which is part of a dialog or needs none.
    pub(crate) fn answer(self, status: &str) -> Scenario {
        let text = answer_text(
            "[last_Via:]\n[last_From:]\n[last_To:]\n[last_CSeq:]",
            status,
            "",
            "",
        );
        self.step(format_args!("<send><![CDATA[\n{text}\n]]></send>"))
    }

    /// The same with a description.
    pub(crate) fn answer_with(self, status: &str, body: &str) -> Scenario {
        let kept = "[last_Via:]\n[last_From:]\n[last_To:]\n[last_CSeq:]";
        let text = answer_text(kept, status, "", body);
        self.step(format_args!("<send><![CDATA[\n{text}\n]]></send>"))
    }

    /// Answers the INVITE taken last, whatever was received since.
    pub(crate) fn answer_call(self, status: &str, headers: &str, body: &str) -> Scenario {
        let text = answer_text(
            "Via:[$via]\nFrom:[$caller]\nTo:[$callee];tag=[pid]u[call_number]\nCSeq:[$cseq]",
            status,
            headers,
            body,
        );
        self.step(format_args!("<send><![CDATA[\n{text}\n]]></send>"))
    }

    pub(crate) fn pause(self, milliseconds: u32) -> Scenario {
        self.step(format_args!("<pause milliseconds=\"{milliseconds}\"/>"))
    }

    fn checks(&mut self, checks: &[(&str, &str)]) -> String {
        let mut text = String::new();
        for (place, pattern) in checks {
            self.variables += 1;
            let name = format!("m{}", self.variables);
            let place = match *place {
                "body" => "search_in=\"body\"".to_owned(),
                "first line" => "search_in=\"msg\"".to_owned(),
                header => format!("search_in=\"hdr\" header=\"{header}:\" case_indep=\"true\""),
            };
            let pattern = pattern
                .replace('&', "&amp;")
                .replace('<', "&lt;")
                .replace('"', "&quot;");
            let _ = write!(
                text,
                "<ereg regexp=\"{pattern}\" {place} check_it=\"true\" assign_to=\"{name}\"/>"
            );
            self.unread.push(name);
        }
        text
    }

    fn xml(&self) -> String {
        // SIPp refuses a variable that nobody reads.
        let mut unread = self.unread.clone();
        for (variable, _) in KEPT {
            let known = self.steps.contains(&format!("assign_to=\"{variable}\""));
            if known && !self.steps.contains(&format!("[${variable}]")) {
                unread.push((*variable).to_owned());
            }
        }
        let references = match unread.join(",") {
            names if names.is_empty() => names,
            names => format!("<Reference variables=\"{names}\"/>\n"),
        };
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<scenario name=\"{}\">\n\
             <Global variables=\"from,domain\"/>\n{}\
             <Reference variables=\"from,domain\"/>\n{references}</scenario>\n",
            self.name, self.steps
        )
    }
}

fn answer_text(kept: &str, status: &str, headers: &str, body: &str) -> String {
    let kind = if body.is_empty() {
        ""
    } else {
        "Content-Type: application/sdp\n"
    };
    format!(
        "SIP/2.0 {status}\n{kept}\n[last_Call-ID:]\n\
         Contact: <sip:sipp@[local_ip]:[local_port];transport=[transport]>\n\
         {headers}{kind}Content-Length: [len]\n\n{body}"
    )
}

/// Where SIPp stands and whom it talks to.
pub(crate) struct Place<'a> {
    /// `HOST:PORT` to send to; none to wait for a call.
    pub(crate) target: Option<&'a str>,
    /// `127.0.0.1` or `[::1]`.
    pub(crate) address: &'a str,
    /// `u1` is UDP, `t1` is TCP.
    pub(crate) transport: &'a str,
    pub(crate) from: &'a str,
    pub(crate) to: &'a str,
    pub(crate) domain: &'a str,
}

impl Default for Place<'_> {
    fn default() -> Self {
        Place {
            target: None,
            address: "127.0.0.1",
            transport: "u1",
            from: "1003",
            to: "1001",
            domain: super::DOMAIN,
        }
    }
}

pub(crate) struct Sipp {
    running: Running,
    port: u16,
    errors: PathBuf,
    messages: PathBuf,
}

impl Sipp {
    pub(crate) fn start(folder: &Path, scenario: &Scenario, place: &Place<'_>) -> Sipp {
        let port = ports::free(1);
        let media = ports::free(4);
        let file = |extension: &str| folder.join(format!("sipp-{}.{extension}", scenario.name));
        std::fs::write(file("xml"), scenario.xml()).expect("the scenario is written");
        let mut sipp = command(&find("sipp").expect("asked for with needs!"));
        // Its screens and logs go where it stands.
        sipp.current_dir(folder);
        sipp.args(place.target)
            // Without -nr it takes an identical message for a retransmission and hides it.
            .args(["-t", place.transport, "-m", "1", "-nostdin", "-nr"])
            .args(["-i", place.address, "-p", &port.to_string()])
            .args(["-mi", place.address, "-mp", &media.to_string()])
            .args(["-s", place.to])
            .args(["-set", "from", place.from, "-set", "domain", place.domain])
            .args(["-au", place.from, "-ap", &password(place.from)])
            .args([
                "-timeout",
                "60s",
                "-timeout_error",
                "-trace_err",
                "-trace_msg",
            ])
            .arg("-sf")
            .arg(file("xml"))
            .arg("-error_file")
            .arg(file("errors"))
            .arg("-message_file")
            .arg(file("messages"));
        let name = format!("sipp-{}", scenario.name);
        let mut sipp = Sipp {
            running: Running::start(&name, folder, &mut sipp),
            port,
            errors: file("errors"),
            messages: file("messages"),
        };
        if place.target.is_none() {
            sipp.wait_until_listening(place);
        }
        sipp
    }

    /// The file of messages appears when the scenario has been read and the socket is open.
    fn wait_until_listening(&mut self, place: &Place<'_>) {
        let log = self.running.log().to_owned();
        super::wait_until(
            Duration::from_secs(10),
            || format!("sipp does not listen\n{}", tail(&log, 20)),
            || {
                assert!(self.running.status().is_none(), "{}", tail(&log, 20));
                let address = place.address.trim_matches(['[', ']']);
                let taken = if place.transport.starts_with('u') {
                    std::net::UdpSocket::bind((address, self.port)).is_err()
                } else {
                    std::net::TcpListener::bind((address, self.port)).is_err()
                };
                taken.then_some(())
            },
        );
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Waits until the dialogue has been played to its end, every line of it as written.
    pub(crate) fn finish(&mut self) {
        let code = self.running.wait(Duration::from_secs(70));
        assert_eq!(
            code,
            Some(0),
            "the scenario did not go as written\n{}{}",
            tail(&self.errors, 20),
            tail(&self.messages, 120)
        );
    }

    /// Whether the dialogue went as written.
    pub(crate) fn succeeds(&mut self) -> bool {
        self.running.wait(Duration::from_secs(70)) == Some(0)
    }

    /// Everything it sent and received.
    pub(crate) fn messages(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(&self.messages).unwrap_or_default()).into_owned()
    }
}

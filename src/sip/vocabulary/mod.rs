//! Methods, status codes and transports. The only module that names `rsip`.

mod convert;

use std::fmt;
use std::str::FromStr;

pub use convert::Lossy;

use super::lexer;

/// A request method (RFC 3261 section 7.1): the fourteen registered ones, and any other token as
/// it came. Methods are case-sensitive: `invite` is an unknown method.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Method {
    /// RFC 3261 section 13.
    Invite,
    /// RFC 3261 section 17.1.1.3.
    Ack,
    /// RFC 3261 section 15.
    Bye,
    /// RFC 3261 section 9.
    Cancel,
    /// RFC 3261 section 10.
    Register,
    /// RFC 3261 section 11.
    Options,
    /// RFC 6086.
    Info,
    /// RFC 3262.
    Prack,
    /// RFC 6665.
    Subscribe,
    /// RFC 6665.
    Notify,
    /// RFC 3311.
    Update,
    /// RFC 3428.
    Message,
    /// RFC 3515.
    Refer,
    /// RFC 3903.
    Publish,
    /// Any other token, spelt as it came.
    Other(String),
}

impl Method {
    /// The registered methods, in the order of the enum.
    pub const REGISTERED: [Method; 14] = [
        Method::Invite,
        Method::Ack,
        Method::Bye,
        Method::Cancel,
        Method::Register,
        Method::Options,
        Method::Info,
        Method::Prack,
        Method::Subscribe,
        Method::Notify,
        Method::Update,
        Method::Message,
        Method::Refer,
        Method::Publish,
    ];

    /// The method as it stands in a request line.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Method::Invite => "INVITE",
            Method::Ack => "ACK",
            Method::Bye => "BYE",
            Method::Cancel => "CANCEL",
            Method::Register => "REGISTER",
            Method::Options => "OPTIONS",
            Method::Info => "INFO",
            Method::Prack => "PRACK",
            Method::Subscribe => "SUBSCRIBE",
            Method::Notify => "NOTIFY",
            Method::Update => "UPDATE",
            Method::Message => "MESSAGE",
            Method::Refer => "REFER",
            Method::Publish => "PUBLISH",
            Method::Other(token) => token,
        }
    }

    /// The method that `token` names. Whether it is a token at all is checked by whoever reads or
    /// writes it.
    #[must_use]
    pub fn from_token(token: &str) -> Method {
        Method::REGISTERED
            .into_iter()
            .find(|method| method.as_str() == token)
            .unwrap_or_else(|| Method::Other(token.to_owned()))
    }

    /// Whether a 2xx to this request makes a dialog, so that Record-Route is echoed (RFC 3261
    /// section 12.1.1, RFC 6665, RFC 3515).
    #[must_use]
    pub fn forms_dialog(&self) -> bool {
        matches!(self, Method::Invite | Method::Subscribe | Method::Refer)
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl From<rsip::Method> for Method {
    fn from(method: rsip::Method) -> Method {
        match method {
            rsip::Method::Invite => Method::Invite,
            rsip::Method::Ack => Method::Ack,
            rsip::Method::Bye => Method::Bye,
            rsip::Method::Cancel => Method::Cancel,
            rsip::Method::Register => Method::Register,
            rsip::Method::Options => Method::Options,
            rsip::Method::Info => Method::Info,
            rsip::Method::PRack => Method::Prack,
            rsip::Method::Subscribe => Method::Subscribe,
            rsip::Method::Notify => Method::Notify,
            rsip::Method::Update => Method::Update,
            rsip::Method::Message => Method::Message,
            rsip::Method::Refer => Method::Refer,
            rsip::Method::Publish => Method::Publish,
        }
    }
}

/// A response's status code, 100 to 699 (RFC 3261 section 7.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StatusCode(u16);

/// Names the registered codes and their usual reason phrases (RFC 3261 section 21 and the IANA
/// registry).
macro_rules! status_codes {
    ($($name:ident = $code:literal $reason:literal;)+) => {
        impl StatusCode {
            $(
                #[doc = concat!($reason, ".")]
                pub const $name: StatusCode = StatusCode($code);
            )+

            /// The registered reason phrase, or the name of the class for a code without one.
            #[must_use]
            pub fn default_reason(self) -> &'static str {
                match self.0 {
                    $($code => $reason,)+
                    100..=199 => "Provisional",
                    200..=299 => "Success",
                    300..=399 => "Redirection",
                    400..=499 => "Request Failure",
                    500..=599 => "Server Failure",
                    _ => "Global Failure",
                }
            }
        }
    };
}

status_codes! {
    TRYING = 100 "Trying";
    RINGING = 180 "Ringing";
    CALL_IS_BEING_FORWARDED = 181 "Call Is Being Forwarded";
    QUEUED = 182 "Queued";
    SESSION_PROGRESS = 183 "Session Progress";
    EARLY_DIALOG_TERMINATED = 199 "Early Dialog Terminated";
    OK = 200 "OK";
    ACCEPTED = 202 "Accepted";
    NO_NOTIFICATION = 204 "No Notification";
    MULTIPLE_CHOICES = 300 "Multiple Choices";
    MOVED_PERMANENTLY = 301 "Moved Permanently";
    MOVED_TEMPORARILY = 302 "Moved Temporarily";
    USE_PROXY = 305 "Use Proxy";
    ALTERNATIVE_SERVICE = 380 "Alternative Service";
    BAD_REQUEST = 400 "Bad Request";
    UNAUTHORIZED = 401 "Unauthorized";
    PAYMENT_REQUIRED = 402 "Payment Required";
    FORBIDDEN = 403 "Forbidden";
    NOT_FOUND = 404 "Not Found";
    METHOD_NOT_ALLOWED = 405 "Method Not Allowed";
    NOT_ACCEPTABLE = 406 "Not Acceptable";
    PROXY_AUTHENTICATION_REQUIRED = 407 "Proxy Authentication Required";
    REQUEST_TIMEOUT = 408 "Request Timeout";
    GONE = 410 "Gone";
    CONDITIONAL_REQUEST_FAILED = 412 "Conditional Request Failed";
    REQUEST_ENTITY_TOO_LARGE = 413 "Request Entity Too Large";
    REQUEST_URI_TOO_LONG = 414 "Request-URI Too Long";
    UNSUPPORTED_MEDIA_TYPE = 415 "Unsupported Media Type";
    UNSUPPORTED_URI_SCHEME = 416 "Unsupported URI Scheme";
    BAD_EXTENSION = 420 "Bad Extension";
    EXTENSION_REQUIRED = 421 "Extension Required";
    SESSION_INTERVAL_TOO_SMALL = 422 "Session Interval Too Small";
    INTERVAL_TOO_BRIEF = 423 "Interval Too Brief";
    BAD_LOCATION_INFORMATION = 424 "Bad Location Information";
    PROVIDE_REFERRER_IDENTITY = 429 "Provide Referrer Identity";
    FLOW_FAILED = 430 "Flow Failed";
    ANONYMITY_DISALLOWED = 433 "Anonymity Disallowed";
    FIRST_HOP_LACKS_OUTBOUND_SUPPORT = 439 "First Hop Lacks Outbound Support";
    TEMPORARILY_UNAVAILABLE = 480 "Temporarily Unavailable";
    CALL_DOES_NOT_EXIST = 481 "Call/Transaction Does Not Exist";
    LOOP_DETECTED = 482 "Loop Detected";
    TOO_MANY_HOPS = 483 "Too Many Hops";
    ADDRESS_INCOMPLETE = 484 "Address Incomplete";
    AMBIGUOUS = 485 "Ambiguous";
    BUSY_HERE = 486 "Busy Here";
    REQUEST_TERMINATED = 487 "Request Terminated";
    NOT_ACCEPTABLE_HERE = 488 "Not Acceptable Here";
    BAD_EVENT = 489 "Bad Event";
    REQUEST_PENDING = 491 "Request Pending";
    UNDECIPHERABLE = 493 "Undecipherable";
    SECURITY_AGREEMENT_REQUIRED = 494 "Security Agreement Required";
    SERVER_INTERNAL_ERROR = 500 "Server Internal Error";
    NOT_IMPLEMENTED = 501 "Not Implemented";
    BAD_GATEWAY = 502 "Bad Gateway";
    SERVICE_UNAVAILABLE = 503 "Service Unavailable";
    SERVER_TIMEOUT = 504 "Server Time-out";
    VERSION_NOT_SUPPORTED = 505 "Version Not Supported";
    MESSAGE_TOO_LARGE = 513 "Message Too Large";
    PRECONDITION_FAILURE = 580 "Precondition Failure";
    BUSY_EVERYWHERE = 600 "Busy Everywhere";
    DECLINE = 603 "Decline";
    DOES_NOT_EXIST_ANYWHERE = 604 "Does Not Exist Anywhere";
    NOT_ACCEPTABLE_ANYWHERE = 606 "Not Acceptable";
    UNWANTED = 607 "Unwanted";
    REJECTED = 608 "Rejected";
}

impl StatusCode {
    /// `None` outside 100 to 699.
    #[must_use]
    pub const fn new(code: u16) -> Option<StatusCode> {
        if code >= 100 && code <= 699 {
            Some(StatusCode(code))
        } else {
            None
        }
    }

    /// The number, 100 to 699.
    #[must_use]
    pub const fn code(self) -> u16 {
        self.0
    }

    /// 1xx: more will come.
    #[must_use]
    pub const fn is_provisional(self) -> bool {
        self.0 < 200
    }

    /// 2xx.
    #[must_use]
    pub const fn is_success(self) -> bool {
        self.0 >= 200 && self.0 < 300
    }

    /// 3xx.
    #[must_use]
    pub const fn is_redirect(self) -> bool {
        self.0 >= 300 && self.0 < 400
    }

    /// 2xx to 6xx: the transaction's answer.
    #[must_use]
    pub const fn is_final(self) -> bool {
        self.0 >= 200
    }
}

impl fmt::Display for StatusCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// A transport that this program speaks (RFC 3261 section 18, RFC 7118).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Transport {
    /// Datagrams.
    Udp,
    /// A stream.
    Tcp,
    /// A stream inside TLS.
    Tls,
    /// WebSocket messages.
    Ws,
    /// WebSocket messages inside TLS.
    Wss,
}

impl Transport {
    /// Every transport, in order.
    pub const ALL: [Transport; 5] = [
        Transport::Udp,
        Transport::Tcp,
        Transport::Tls,
        Transport::Ws,
        Transport::Wss,
    ];

    /// Whether the transport itself delivers or breaks, so that nothing is retransmitted.
    #[must_use]
    pub const fn is_reliable(self) -> bool {
        !matches!(self, Transport::Udp)
    }

    /// Whether the hop is encrypted.
    #[must_use]
    pub const fn is_secure(self) -> bool {
        matches!(self, Transport::Tls | Transport::Wss)
    }

    /// As in a Via: `UDP`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Transport::Udp => "UDP",
            Transport::Tcp => "TCP",
            Transport::Tls => "TLS",
            Transport::Ws => "WS",
            Transport::Wss => "WSS",
        }
    }

    /// As in a URI's `transport` parameter: `udp`.
    #[must_use]
    pub const fn as_param(self) -> &'static str {
        match self {
            Transport::Udp => "udp",
            Transport::Tcp => "tcp",
            Transport::Tls => "tls",
            Transport::Ws => "ws",
            Transport::Wss => "wss",
        }
    }

    /// The port when none is said: 5060, 5061 for TLS (RFC 3261 section 19.1.2), 80 and 443 for
    /// WebSocket (RFC 7118).
    #[must_use]
    pub const fn default_port(self) -> u16 {
        match self {
            Transport::Udp | Transport::Tcp => 5060,
            Transport::Tls => 5061,
            Transport::Ws => 80,
            Transport::Wss => 443,
        }
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A transport name that this program does not speak.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a transport that is spoken here")]
pub struct UnknownTransport;

impl FromStr for Transport {
    type Err = UnknownTransport;

    /// Case-insensitive: `UDP`, `udp`.
    fn from_str(text: &str) -> Result<Transport, UnknownTransport> {
        Transport::ALL
            .into_iter()
            .find(|transport| transport.as_str().eq_ignore_ascii_case(text))
            .ok_or(UnknownTransport)
    }
}

/// Whether `text` can stand as a method in a start line.
pub(super) fn is_method_token(text: &str) -> bool {
    lexer::is_token(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_are_case_sensitive_and_unknown_ones_survive() {
        assert_eq!(Method::from_token("PRACK"), Method::Prack);
        assert_eq!(
            Method::from_token("invite"),
            Method::Other("invite".to_owned())
        );
        assert_eq!(Method::from_token("!odd%").as_str(), "!odd%");
    }

    #[test]
    fn the_fourteen_methods_of_the_vocabulary_keep_their_names() {
        use rsip::Method as Theirs;
        let theirs = [
            (Theirs::Ack, "ACK"),
            (Theirs::Bye, "BYE"),
            (Theirs::Cancel, "CANCEL"),
            (Theirs::Info, "INFO"),
            (Theirs::Invite, "INVITE"),
            (Theirs::Message, "MESSAGE"),
            (Theirs::Notify, "NOTIFY"),
            (Theirs::Options, "OPTIONS"),
            (Theirs::PRack, "PRACK"),
            (Theirs::Publish, "PUBLISH"),
            (Theirs::Refer, "REFER"),
            (Theirs::Register, "REGISTER"),
            (Theirs::Subscribe, "SUBSCRIBE"),
            (Theirs::Update, "UPDATE"),
        ];
        for (method, name) in theirs {
            assert_eq!(Method::from(method).as_str(), name);
        }
    }

    #[test]
    fn status_codes_are_100_to_699() {
        assert_eq!(StatusCode::new(99), None);
        assert_eq!(StatusCode::new(700), None);
        assert_eq!(StatusCode::new(486), Some(StatusCode::BUSY_HERE));
        assert_eq!(StatusCode::BUSY_HERE.default_reason(), "Busy Here");
        assert_eq!(
            StatusCode::new(499).map(StatusCode::default_reason),
            Some("Request Failure")
        );
    }

    #[test]
    fn transports_are_read_in_any_case() {
        assert_eq!("uDp".parse(), Ok(Transport::Udp));
        assert_eq!("SCTP".parse::<Transport>(), Err(UnknownTransport));
        assert_eq!(Transport::Tls.default_port(), 5061);
    }
}

//! SIP (RFC 3261 and friends): the wire, transactions, dialogs, registration.
//!
//! The wire codec reads bytes into a [`Message`] and writes it back. Reading forgives: it returns
//! what could be read and a list of [`Defect`]s, each with its RFC section. It is strict only
//! where leniency would be a hole: the framing of streams, digest authentication, and what is
//! written (a line break never gets into a header).

mod alert;
mod alteration;
pub(crate) mod backoff;
mod check;
mod defect;
mod dialog;
mod digest;
mod diversion;
mod entity_tag;
mod event;
mod framing;
mod header;
mod header_name;
mod host;
mod identity;
pub mod inspect;
mod lexer;
pub mod locating;
mod message;
mod name_addr;
mod params;
mod parser;
mod printable;
mod publication;
mod reason;
mod registration;
mod reliable;
mod replaces;
mod session_timer;
mod soft_state;
mod start_line;
mod subscription;
mod subscription_state;
pub mod transaction;
mod uri;
mod via;
mod vocabulary;

pub use alert::AlertSource;
pub use alteration::{Alteration, Fingerprint};
pub use defect::{Defect, DefectKind, Severity};
pub use dialog::{Dialog, DialogError, DialogId, DialogState};
pub use digest::{
    Algorithm, Authorization, Challenge, Credentials, DigestClient, DigestError, DigestMemory,
    DigestServer, Qop, VerifyError,
};
pub use diversion::{Diversion, DiversionReason};
pub use event::Event;
pub use framing::{Frame, FramingError, FramingLimits, StreamFramer};
pub use header::{CSeq, Contacts, Header, HeaderError, Headers, MediaType};
pub use header_name::HeaderName;
pub use host::{Host, HostError, HostPort};
pub use identity::PartySide;
pub use message::{Message, Request, Response, WriteError};
pub use name_addr::{NameAddr, NameAddrError};
pub use params::Params;
pub use parser::{ParseError, ParseErrorKind, Parsed, parse_datagram};
pub use printable::printable;
pub use publication::{Publication, PublicationConfig, PublicationEvent, PublicationOutput};
pub use reason::Reason;
pub use registration::{
    Agreed, Registration, RegistrationConfig, RegistrationEvent, RegistrationFailure,
    RegistrationFault, RegistrationOutput,
};
pub use reliable::{RAck, RELIABLE};
pub use replaces::Replaces;
pub use session_timer::{Refresher, SHORTEST, SessionDue, SessionExpires, SessionTimer, TIMER};
pub use soft_state::{SoftStateFailure, SoftStateFault};
pub use subscription::{
    Notification, Subscription, SubscriptionConfig, SubscriptionEvent, SubscriptionOutput,
};
pub use subscription_state::{SubscriptionReason, SubscriptionState, Substate};
pub use uri::{OtherUri, SipUri, TelUri, Uri, UriError};
pub use via::{Via, ViaError, ViaTransport};
pub use vocabulary::{Lossy, Method, StatusCode, Transport, UnknownTransport};

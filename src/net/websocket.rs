//! SIP over WebSocket (RFC 7118), the client's side: one SIP message in each WebSocket message.

use std::time::Duration;

use tokio_tungstenite::tungstenite::client::ClientRequestBuilder;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use super::StreamError;
use super::link::Duplex;
use crate::trust::{Refused, TlsFailure};

/// The name of SIP among WebSocket's protocols (RFC 7118 section 4.1).
const SUBPROTOCOL: &str = "sip";
/// The longest message: as long as the framer of streams takes one, with its body.
const MAX_MESSAGE: usize = 256 * 1024;
/// How often the other end is asked whether it is there (RFC 7118 section 6). Proxies on the way
/// close what says nothing for a minute.
pub(super) const PING_EVERY: Duration = Duration::from_secs(25);

/// A WebSocket over TCP or TLS.
pub(super) type WebSocket = WebSocketStream<Box<dyn Duplex>>;

/// What is asked for when a WebSocket begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebSocketOffer {
    /// The server, with its port where that is not the usual one: what stands in `Host`.
    pub host: String,
    /// The resource, with a slash before it.
    pub path: String,
    /// It goes over TLS.
    pub secure: bool,
}

/// Begins to speak WebSocket on a connection.
pub(super) async fn upgrade(
    stream: Box<dyn Duplex>,
    offer: &WebSocketOffer,
) -> Result<WebSocket, StreamError> {
    let no_websocket = || {
        StreamError::Tls(Box::new(Refused::without_certificate(
            TlsFailure::NoWebSocket,
        )))
    };
    let scheme = if offer.secure { "wss" } else { "ws" };
    let uri = format!("{scheme}://{}{}", offer.host, offer.path);
    let uri = uri.parse().map_err(|_| no_websocket())?;
    let request = ClientRequestBuilder::new(uri).with_sub_protocol(SUBPROTOCOL);
    let config = WebSocketConfig::default()
        .max_message_size(Some(MAX_MESSAGE))
        .max_frame_size(Some(MAX_MESSAGE))
        .max_write_buffer_size(2 * MAX_MESSAGE);
    match client_async_with_config(request, stream, Some(config)).await {
        Ok((socket, _)) => Ok(socket),
        Err(Error::Io(error)) => Err(error.into()),
        Err(error) => {
            tracing::debug!("no WebSocket: {error}");
            Err(no_websocket())
        }
    }
}

/// What goes out: text where it is text, as nearly all of SIP is (RFC 7118 section 4.2).
pub(super) fn message(bytes: Vec<u8>) -> Message {
    match String::from_utf8(bytes) {
        Ok(text) => Message::text(text),
        Err(error) => Message::binary(error.into_bytes()),
    }
}

/// What ended a WebSocket; `None`: its other end closed it.
pub(super) fn ended(error: Error) -> Option<StreamError> {
    match error {
        Error::ConnectionClosed
        | Error::AlreadyClosed
        | Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => None,
        Error::Io(error) => Some(error.into()),
        other => Some(StreamError::Io(std::io::Error::other(other))),
    }
}

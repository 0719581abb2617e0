//! Subscriptions against a notifier that says what the test wants, on a turned clock.

mod lasting;
mod parting;
mod refused;
mod starting;

use std::time::{Duration, Instant};

use super::*;
use crate::redact::Secret;
use crate::sip::{
    Algorithm, Credentials, DigestMemory, DigestServer, Event, HeaderName, Method, SoftStateFault,
    StatusCode, SubscriptionReason, Substate, Uri, VerifyError,
};

/// A phone, a notifier's passwords, and the clock.
struct World {
    subscription: Subscription,
    now: Instant,
    server: DigestServer,
    /// The number of the notifier's latest NOTIFY.
    seq: u32,
}

fn uri(text: &str) -> Uri {
    text.parse().unwrap()
}

fn config() -> SubscriptionConfig {
    let mut config = SubscriptionConfig::new(
        uri("sip:700@example.com"),
        Event::new("dialog"),
        uri("sip:1001@example.com"),
        "<sip:1001@192.0.2.7:5062>".parse().unwrap(),
    );
    config.accept = vec!["application/dialog-info+xml".to_owned()];
    config.credentials = Some(Credentials {
        user: "1001".to_owned(),
        password: Secret::from("ramal"),
        memory: DigestMemory::default(),
    });
    config
}

fn world_with(change: impl FnOnce(&mut SubscriptionConfig)) -> World {
    #[expect(
        clippy::disallowed_methods,
        reason = "an instant to start from cannot be made otherwise"
    )]
    let now = Instant::now();
    let mut config = config();
    change(&mut config);
    World {
        subscription: Subscription::new(config, 7),
        now,
        server: DigestServer::new("example.com", vec![Algorithm::Sha256], [3, 4], now),
        seq: 0,
    }
}

fn world() -> World {
    world_with(|_| {})
}

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

impl World {
    /// The request that is to be sent; nothing else may have happened.
    #[track_caller]
    fn sent(&mut self) -> Request {
        match self.subscription.poll_output() {
            SubscriptionOutput::Send(request) => request,
            other => panic!("no request but {other:?}"),
        }
    }

    #[track_caller]
    fn event(&mut self) -> SubscriptionEvent {
        match self.subscription.poll_output() {
            SubscriptionOutput::Event(event) => event,
            other => panic!("no event but {other:?}"),
        }
    }

    /// How long there is nothing to do.
    #[track_caller]
    fn wait(&mut self) -> Option<Duration> {
        match self.subscription.poll_output() {
            SubscriptionOutput::Wait(until) => until.map(|until| until - self.now),
            other => panic!("not at rest: {other:?}"),
        }
    }

    #[track_caller]
    fn subscribe(&mut self) -> Request {
        self.subscription.subscribe(self.now);
        self.sent()
    }

    fn answer(&mut self, request: &Request, status: u16, headers: &[(&str, &str)]) {
        let status = StatusCode::new(status).unwrap();
        let mut response = request.response(status, Some("n"));
        if status.is_success() {
            response.headers.push("Contact", "<sip:700@198.51.100.7>");
        }
        for (name, value) in headers {
            response.headers.push(*name, *value);
        }
        self.subscription.handle_response(self.now, &response);
    }

    /// A NOTIFY of the notifier that has this tag, for the subscription that `subscribe` asked
    /// for.
    fn notify_from(&mut self, subscribe: &Request, tag: &str, state: &str) -> Request {
        self.seq += 1;
        let from = subscribe.headers.get(&HeaderName::FROM).unwrap();
        let mut notify = Request::new(Method::Notify, uri("sip:1001@192.0.2.7:5062"));
        let headers = &mut notify.headers;
        headers.push("Via", "SIP/2.0/UDP 198.51.100.7;branch=z9hG4bK1");
        headers.push("From", format!("<sip:700@example.com>;tag={tag}"));
        headers.push("To", from);
        headers.push("Call-ID", subscribe.headers.call_id().unwrap());
        headers.push("CSeq", format!("{} NOTIFY", self.seq));
        headers.push("Contact", "<sip:700@198.51.100.7>");
        headers.push("Event", subscribe.headers.get(&HeaderName::EVENT).unwrap());
        headers.push("Subscription-State", state);
        notify
    }

    fn notify(&mut self, subscribe: &Request, state: &str) -> Request {
        self.notify_from(subscribe, "n", state)
    }

    /// The status that a NOTIFY is responded to with.
    fn give(&mut self, notify: &Request) -> u16 {
        let response = self.subscription.handle_notify(self.now, notify);
        response.status.code()
    }

    /// Accepted and notified; the request that asked for it.
    #[track_caller]
    fn held_for(&mut self, expires: u32) -> Request {
        let request = self.subscribe();
        self.answer(&request, 200, &[("Expires", &expires.to_string())]);
        let notify = self.notify(&request, &format!("active;expires={expires}"));
        assert_eq!(self.give(&notify), 200);
        assert_eq!(
            self.event(),
            SubscriptionEvent::Subscribed(Substate::Active)
        );
        request
    }

    /// Jumps to the deadline that was asked for.
    #[track_caller]
    fn jump(&mut self) {
        let wait = self.wait().expect("nothing is waited for");
        self.now += wait;
        self.subscription.handle_timeout(self.now);
    }

    /// Answers as a notifier with passwords does.
    fn serve(&mut self, request: &Request, password: &str) {
        let look_up = |user: &str| (user == "1001").then(|| Secret::from(password));
        let name = &HeaderName::AUTHORIZATION;
        match self.server.verify(self.now, request, name, look_up) {
            Ok(_) => self.answer(request, 200, &[("Expires", "3600")]),
            Err(error) => {
                let stale = error == VerifyError::Stale;
                let challenge = self.server.challenge(self.now, stale);
                self.answer(request, 401, &[("WWW-Authenticate", &challenge)]);
            }
        }
    }

    /// How the latest attempt failed, and after how long it is tried again.
    #[track_caller]
    fn failure(&mut self) -> (SoftStateFault, Option<u16>, Option<Duration>) {
        match self.event() {
            SubscriptionEvent::Failed {
                cause,
                status,
                retry_in,
                ..
            } => (cause, status.map(StatusCode::code), retry_in),
            other => panic!("not failed: {other:?}"),
        }
    }
}

fn seq(request: &Request) -> u32 {
    request.headers.cseq().unwrap().seq
}

fn tag(request: &Request) -> String {
    request.headers.from().unwrap().tag().unwrap().to_owned()
}

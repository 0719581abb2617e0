//! Whom an account trusts: its own servers get its credentials, and nobody else does.
//!
//! A server is the account's own when it stands at an address that the account's own names
//! resolved to: registrar, outbound proxy, domain of the address of record, the way that the
//! registrar told. A stranger who is called can ask for a password as well as they can, and what
//! would be answered is enough to guess it from.

use std::net::IpAddr;

use super::account::Account;
use super::routing::Purpose;
use super::{AccountId, Agent, EndCause};
use crate::sip::transaction::{ClientKey, Peer};
use crate::sip::{HeaderName, HostPort, Request, Response, Uri};

/// What an account lets through that is refused unless a person asks for it, and the reverse.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Trust {
    /// Nothing of the account goes over a transport that is not encrypted.
    pub require_tls: bool,
    /// MD5 is given where SHA-2 was asked for before.
    pub weaker_digest: bool,
    /// Passwords are given for realms too that the registrar never named.
    pub other_realms: bool,
    /// Calls ring from wherever they come. An account that registers nowhere takes them anyway.
    pub direct_calls: bool,
}

impl Account {
    /// Whether this is the address of its server.
    pub(super) fn is_server(&self, ip: IpAddr) -> bool {
        let way = self.registered_way().map(|way| way.remote.ip());
        let mut named = self.own_hosts().filter_map(|it| it.host.ip());
        way == Some(ip) || named.any(|it| it == ip) || self.servers.contains(ip)
    }

    /// Whether what this name resolves to are servers of its own.
    pub(super) fn is_own_host(&self, host: &HostPort) -> bool {
        let own = self.own_hosts().any(|it| it.host == host.host);
        own || self.routes().iter().any(|route| {
            let route = route.uri.as_sip();
            route.is_some_and(|it| it.host_port.host == host.host)
        })
    }

    fn own_hosts(&self) -> impl Iterator<Item = &HostPort> {
        let config = &self.config;
        let named = [&config.proxy, &config.registrar, &config.aor];
        let named = named.into_iter().flatten().filter_map(Uri::as_sip);
        named.map(|sip| &sip.host_port)
    }
}

impl Agent {
    /// Whether this is the account's own server: where it is registered, or its proxy.
    pub(super) fn is_server(&self, account: AccountId, from: &Peer) -> bool {
        let account = self.accounts.get(&account);
        account.is_some_and(|account| account.is_server(from.remote.ip()))
    }

    /// Whether a password is asked for by somebody who is none of the account's own servers. What
    /// counts is whom the request went to, since that is where the answer would go; a server of
    /// several addresses may speak from another one.
    pub(super) fn is_foreign_challenge(&self, key: &ClientKey, response: &Response) -> bool {
        if !matches!(response.status.code(), 401 | 407) {
            return false;
        }
        let purpose = self.clients.get(key);
        let account = purpose.and_then(|purpose| self.account_of(purpose));
        let Some((account, way)) = account.zip(self.way_of(key)) else {
            return false;
        };
        !self.is_server(account, way)
    }

    /// Readies a request for the way that it takes: credentials go to the account's own servers
    /// only, and nothing goes in the clear that must not.
    pub(super) fn guard(
        &self,
        request: &mut Request,
        to: &Peer,
        purpose: &Purpose,
    ) -> Result<(), EndCause> {
        let id = match purpose {
            Purpose::Register(flow) => Some(flow.account),
            _ => self.account_of(purpose),
        };
        let Some(account) = id.and_then(|id| self.accounts.get(&id)) else {
            return Ok(());
        };
        if account.config.trust.require_tls && !to.transport.is_secure() {
            return Err(EndCause::Unencrypted);
        }
        // Where REGISTER goes is what the account was set to.
        if !matches!(purpose, Purpose::Register(_)) && !account.is_server(to.remote.ip()) {
            without_credentials(request);
        }
        Ok(())
    }

    /// From where a request goes to, others may come back.
    pub(super) fn note_hop(&mut self, to: &Peer, purpose: &Purpose) {
        let ip = to.remote.ip();
        self.company.note(ip);
        let call = match purpose {
            Purpose::Invite(call) | Purpose::Reinvite(call) => Some(*call),
            Purpose::Ask(asking) => Some(asking.call),
            Purpose::Prack(pracking) => Some(pracking.call),
            Purpose::Register(_)
            | Purpose::Leave(_)
            | Purpose::Watch(_)
            | Purpose::Publish(_)
            | Purpose::Bye(_)
            | Purpose::Message(_) => None,
        };
        if let Some(call) = call.and_then(|call| self.calls.get_mut(&call)) {
            call.sources.note(ip);
        }
    }

    /// The same for an ACK, which carries the credentials of its INVITE to whoever answered it.
    pub(super) fn guard_ack(&self, ack: &mut Request, to: &Peer) {
        let mut accounts = self.accounts.values();
        if !accounts.any(|account| account.is_server(to.remote.ip())) {
            without_credentials(ack);
        }
    }

    /// The account of a request that is on its way, but for REGISTER.
    fn account_of(&self, purpose: &Purpose) -> Option<AccountId> {
        let of_call = |call| self.calls.get(&call).map(|call| call.account);
        match purpose {
            Purpose::Register(_) | Purpose::Leave(_) => None,
            Purpose::Invite(call) | Purpose::Reinvite(call) => of_call(*call),
            Purpose::Ask(asking) => of_call(asking.call),
            Purpose::Prack(pracking) => of_call(pracking.call),
            Purpose::Watch(key) => self.watches.by_key.get(key).map(|watch| watch.account),
            Purpose::Publish(key) => self.publications.account_of(*key),
            Purpose::Bye(goodbye) => Some(goodbye.account),
            Purpose::Message(posting) => Some(posting.account()),
        }
    }
}

fn without_credentials(request: &mut Request) {
    request.headers.remove(&HeaderName::AUTHORIZATION);
    request.headers.remove(&HeaderName::PROXY_AUTHORIZATION);
}

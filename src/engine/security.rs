//! What is known of whom the accounts' servers are: kept up in the picture, told when it fails.

use std::time::Instant;

use super::driver::Driver;
use super::event::Event;
use super::snapshot::Signalling;
use crate::agent::{AccountConfig, AccountId};
use crate::sip::transaction::Peer;
use crate::sip::{SipUri, Uri};
use crate::trust::Refused;

impl Driver {
    /// What an account asks of its connections.
    pub(super) fn use_terms(&mut self, config: &AccountConfig) {
        let host = |uri: &Option<Uri>| {
            let sip: Option<&SipUri> = uri.as_ref().and_then(Uri::as_sip);
            sip.map(|sip| sip.host_port.host.to_string())
        };
        let servers = [host(&config.registrar), host(&config.proxy)];
        let servers = servers.into_iter().flatten().collect();
        self.port
            .set_terms(config.id, &config.terms, host(&config.aor), servers);
    }

    /// A connection was not secure, and was not used.
    pub(super) fn not_secured(
        &mut self,
        now: Instant,
        to: Peer,
        account: AccountId,
        refused: Box<Refused>,
    ) {
        let failure = refused.failure;
        self.picture.refused(account, Some(refused.clone()));
        self.dirty = true;
        self.tell(Event::NotSecured { account, refused });
        self.agent.handle_not_secured(now, to, failure);
    }

    /// The same of all, when a connection has come to stand.
    pub(super) fn look_at_all_signalling(&mut self) {
        let accounts: Vec<AccountId> = self.picture.accounts().iter().map(|it| it.id).collect();
        for account in accounts {
            self.look_at_signalling(account);
        }
        self.dirty = true;
    }

    /// How an account's signalling travels, whenever its state has changed.
    pub(super) fn look_at_signalling(&mut self, account: AccountId) {
        let signalling = match self.agent.registered_way(account) {
            None => Signalling::Unknown,
            Some(way) => match self.port.secured(&way) {
                Some(secured) => Signalling::Encrypted(Box::new(secured.clone())),
                None if way.transport.is_secure() => Signalling::Unknown,
                None => Signalling::Clear,
            },
        };
        if signalling != Signalling::Unknown {
            self.picture.refused(account, None);
        }
        let changed = self.picture.signalling(account, signalling.clone());
        if let (true, Signalling::Encrypted(secured)) = (changed, signalling) {
            self.tell(Event::Secured { account, secured });
        }
    }
}

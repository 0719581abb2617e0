//! For which of the accounts a request outside any call is.

use super::account::Account;
use super::{AccountId, Agent};
use crate::sip::transaction::Peer;
use crate::sip::{Request, Uri};

/// Whom a request is for.
pub(super) enum Addressee {
    One(AccountId),
    /// Several accounts fit: 485.
    Several,
    Nobody,
}

impl Agent {
    /// The account that the Request-URI names. Where the same extension is known at several
    /// servers, and for the numbers of a trunk that no account is called by, the server that the
    /// request comes from says more than its To, which often has our own address.
    pub(super) fn addressee(&self, request: &Request, from: &Peer) -> Addressee {
        let user = request.uri.user_unescaped();
        let named = self.accounts_where(|account| account.answers_to(user.as_deref()));
        if let [one] = named.as_slice() {
            return Addressee::One(*one);
        }
        let by_server = |account: &Account| {
            let way = account.registered_way();
            way.is_some_and(|way| way.remote.ip() == from.remote.ip())
        };
        let sent = self.accounts_where(|account| {
            by_server(account) && (named.is_empty() || account.answers_to(user.as_deref()))
        });
        match sent.as_slice() {
            [one] => return Addressee::One(*one),
            [] if named.is_empty() => {
                // A phone without a registrar takes whatever is sent to its address.
                let direct = self.accounts_where(|account| account.config.aor.is_none());
                return direct
                    .first()
                    .map_or(Addressee::Nobody, |id| Addressee::One(*id));
            }
            _ => {}
        }
        let among = if sent.is_empty() { named } else { sent };
        self.called(request, &among)
    }

    /// The one of these accounts that the To names: by its host, and of several by its user.
    fn called(&self, request: &Request, among: &[AccountId]) -> Addressee {
        let to = request.headers.to().ok().map(|to| to.uri);
        let sip = to.as_ref().and_then(Uri::as_sip);
        let host = sip.map(|sip| &sip.host_port.host);
        let user = to.as_ref().and_then(Uri::user_unescaped);
        let at_home = |id: &AccountId| {
            let home = self.accounts.get(id).and_then(Account::home);
            home.map(|home| &home.host) == host
        };
        let by_name = |id: &AccountId| {
            let account = self.accounts.get(id);
            account.is_some_and(|account| account.answers_to(user.as_deref()))
        };
        let at_home: Vec<AccountId> = among.iter().copied().filter(at_home).collect();
        let by_name: Vec<AccountId> = at_home.iter().copied().filter(by_name).collect();
        match (at_home.as_slice(), by_name.as_slice()) {
            ([one], _) | (_, [one]) => Addressee::One(*one),
            _ => Addressee::Several,
        }
    }

    fn accounts_where(&self, fits: impl Fn(&Account) -> bool) -> Vec<AccountId> {
        let accounts = self.accounts.iter();
        accounts
            .filter(|(_, account)| fits(account))
            .map(|(id, _)| *id)
            .collect()
    }
}

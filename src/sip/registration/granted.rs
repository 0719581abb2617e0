//! How long a registrar binds us for (RFC 3261 section 10.2.4).

use std::time::Duration;

use super::RegistrationConfig;
use crate::sip::{Contacts, NameAddr, Response, Uri};

/// The lifetime that a 200 grants: the `expires` of our Contact among those it lists, else its
/// Expires header, else what was asked.
pub(super) fn lifetime(
    response: &Response,
    config: &RegistrationConfig,
    asked: Duration,
) -> Duration {
    let contacts = match response.headers.contacts() {
        Ok(Contacts::List(contacts)) => contacts,
        Ok(Contacts::Star) | Err(_) => Vec::new(),
    };
    ours(&contacts, config)
        .and_then(NameAddr::expires)
        .or_else(|| response.headers.expires())
        .map_or(asked, |secs| Duration::from_secs(secs.into()))
}

/// Our Contact: the one with our instance, else the one with an equivalent URI, else, since
/// registrars write in what they see of us behind a NAT, the only one with our user.
pub(super) fn ours<'a>(
    contacts: &'a [NameAddr],
    config: &RegistrationConfig,
) -> Option<&'a NameAddr> {
    let by_instance = config.instance_id.as_ref().and_then(|instance| {
        let reg_id = config.reg_id.map(|id| id.to_string());
        contacts.iter().find(|contact| {
            instance_of(contact).is_some_and(|theirs| theirs.eq_ignore_ascii_case(instance))
                && (reg_id.is_none()
                    || contact
                        .params
                        .get("reg-id")
                        .is_none_or(|id| Some(id) == reg_id.as_deref()))
        })
    });
    let by_uri = || {
        contacts
            .iter()
            .find(|contact| contact.uri.equivalent(&config.contact.uri))
    };
    let by_user = || {
        let user = |uri: &Uri| uri.user_unescaped();
        let mut same = contacts
            .iter()
            .filter(|c| user(&c.uri) == user(&config.contact.uri));
        same.next().filter(|_| same.next().is_none())
    };
    by_instance.or_else(by_uri).or_else(by_user)
}

/// `+sip.instance` without its angle brackets (RFC 5626 section 4.1).
fn instance_of(contact: &NameAddr) -> Option<&str> {
    let instance = contact.params.get("+sip.instance")?.trim();
    Some(
        instance
            .strip_prefix('<')
            .and_then(|i| i.strip_suffix('>'))
            .unwrap_or(instance),
    )
}

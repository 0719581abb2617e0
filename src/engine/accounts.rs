//! From the settings' accounts to the agent's, and back to the person when that fails.

use std::path::PathBuf;

use super::reception::reception;
use crate::agent::{
    self, AccountConfig, AccountId, DigitsBy, Encryption, MessagePolicy, TransferPolicy, Trust,
};
use crate::redact::Secret;
use crate::sip::{HostPort, SipUri, Uri};
use crate::store::{AccountSettings, Writers};
use crate::trust::{ClientFiles, Terms};

/// Why an account cannot be used as it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AccountError {
    /// Neither `user@host` nor a SIP URI with both.
    #[error("the address is not of the form user@host")]
    Address,
    /// Neither `host`, `host:port` nor a SIP URI.
    #[error("the registrar is no host")]
    Registrar,
    /// Neither `host`, `host:port` nor a SIP URI.
    #[error("the outbound proxy is no host")]
    Proxy,
    /// Not only keys: `0` to `9`, `*`, `#`, `A` to `D`.
    #[error("the code of transfers is not made of keys")]
    TransferCode,
    /// A rule for incoming calls cannot be kept.
    #[error("a rule for incoming calls cannot be kept")]
    Reception,
    /// Not only keys and `{ext}`.
    #[error("the code of pickups is not made of keys")]
    PickupCode,
    /// Not `udp`, `tcp`, `tls`, `ws` or `wss`.
    #[error("this transport is not spoken")]
    Transport,
    /// Not 64 hexadecimal digits.
    #[error("the certificate's fingerprint is none")]
    Pin,
    /// A list of revoked certificates without those who revoked them, or a client certificate
    /// without its key, or the other way round.
    #[error("of two certificate files that belong together one is missing")]
    CertificateFiles,
}

/// Reads an account as the person wrote it.
///
/// # Errors
/// [`AccountError`] names the field that is wrong.
pub fn account_config(
    settings: &AccountSettings,
    password: Option<Secret<String>>,
) -> Result<AccountConfig, AccountError> {
    let aor = address(&settings.address).ok_or(AccountError::Address)?;
    let mut config = AccountConfig::registered(AccountId(settings.id), Uri::Sip(aor), password);
    config.display_name = non_empty(settings.display_name.as_deref());
    config.follow_redirects = !settings.no_redirects;
    if settings.ask_transfers {
        config.transfers = TransferPolicy::Ask;
    }
    config.messages = match settings.writers {
        Writers::Server => MessagePolicy::Registrar,
        Writers::Anyone => MessagePolicy::Anyone,
        Writers::Nobody => MessagePolicy::Nobody,
    };
    config.transfer_code = non_empty(settings.transfer_code.as_deref());
    if let Some(code) = &config.transfer_code
        && !code.chars().all(agent::is_dtmf)
    {
        return Err(AccountError::TransferCode);
    }
    // A name that a later version gave is none to fail for.
    config.digits = settings
        .digits
        .as_deref()
        .and_then(DigitsBy::named)
        .unwrap_or_default();
    // What a later version calls by another name is not taken for less than it may be.
    config.encryption = match settings.srtp.as_deref() {
        None => Encryption::Optional,
        Some(name) => Encryption::named(name).unwrap_or(Encryption::Required),
    };
    config.anonymous = settings.anonymous;
    config.trust = Trust {
        require_tls: settings.trust.require_tls,
        weaker_digest: settings.trust.weaker_digest,
        other_realms: settings.trust.other_realms,
        direct_calls: settings.trust.direct_calls,
    };
    let home = config.aor.as_ref().and_then(Uri::as_sip);
    let home = home.map(|aor| aor.host_port.clone());
    config.reception =
        reception(&settings.reception, home.as_ref()).map_err(|_| AccountError::Reception)?;
    config.pickup_code = non_empty(settings.pickup_code.as_deref());
    if let Some(code) = &config.pickup_code
        && !code.replace("{ext}", "").chars().all(agent::is_dtmf)
    {
        return Err(AccountError::PickupCode);
    }
    config.auth_user = non_empty(settings.auth_user.as_deref());
    if let Some(text) = non_empty(settings.registrar.as_deref()) {
        config.registrar = Some(server(&text).ok_or(AccountError::Registrar)?);
    }
    if let Some(text) = non_empty(settings.proxy.as_deref()) {
        config.proxy = Some(server(&text).ok_or(AccountError::Proxy)?);
    }
    if let Some(text) = non_empty(settings.transport.as_deref()) {
        config.transport = Some(text.parse().map_err(|_| AccountError::Transport)?);
    }
    config.terms = terms(settings)?;
    Ok(config)
}

/// What an account asks of its secure connections.
fn terms(settings: &AccountSettings) -> Result<Terms, AccountError> {
    let path = |text: &Option<String>| non_empty(text.as_deref()).map(PathBuf::from);
    let pin = non_empty(settings.pin.as_deref()).map(|text| text.parse());
    let (ca, crl) = (path(&settings.ca), path(&settings.crl));
    let client = match (
        path(&settings.client_certificate),
        path(&settings.client_key),
    ) {
        (Some(certificate), Some(key)) => Some(ClientFiles { certificate, key }),
        (None, None) => None,
        _ => return Err(AccountError::CertificateFiles),
    };
    if crl.is_some() && ca.is_none() {
        return Err(AccountError::CertificateFiles);
    }
    Ok(Terms {
        ca,
        crl,
        pin: pin.transpose().map_err(|_| AccountError::Pin)?,
        client,
    })
}

fn non_empty(text: Option<&str>) -> Option<String> {
    text.map(str::trim)
        .filter(|text| !text.is_empty())
        .map(str::to_owned)
}

/// `user@host[:port]` or a `sip:` URI; it must name a user.
fn address(text: &str) -> Option<SipUri> {
    let text = text.trim();
    let lower = text.to_ascii_lowercase();
    let whole = if lower.starts_with("sip:") || lower.starts_with("sips:") {
        text.to_owned()
    } else {
        format!("sip:{text}")
    };
    let uri: SipUri = whole.parse().ok()?;
    let named = uri.user.as_deref().is_some_and(|user| !user.is_empty());
    (named && uri.headers.is_empty()).then_some(uri)
}

/// `host[:port]` or a `sip:` or `sips:` URI.
pub fn server(text: &str) -> Option<Uri> {
    let text = text.trim();
    let lower = text.to_ascii_lowercase();
    if lower.starts_with("sip:") || lower.starts_with("sips:") {
        let uri: SipUri = text.parse().ok()?;
        return uri.headers.is_empty().then_some(Uri::Sip(uri));
    }
    let host: HostPort = text.parse().ok()?;
    Some(Uri::Sip(SipUri::new(None, host)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::Transport;

    fn written(address: &str) -> AccountSettings {
        AccountSettings {
            id: 4,
            address: address.into(),
            ..AccountSettings::default()
        }
    }

    #[test]
    fn an_extension_at_a_server_is_an_account() {
        let config = account_config(&written(" 1001@pbx.example:5070 "), None).unwrap();
        assert_eq!(config.id, AccountId(4));
        assert_eq!(config.aor.unwrap().to_string(), "sip:1001@pbx.example:5070");
        assert!(config.register);
    }

    #[test]
    fn servers_are_hosts_or_uris() {
        let mut settings = written("sip:1001@pbx.example");
        settings.registrar = Some("10.0.0.1".into());
        settings.proxy = Some("sip:sbc.example;transport=tcp".into());
        settings.transport = Some("TCP".into());
        let config = account_config(&settings, None).unwrap();
        assert_eq!(config.registrar.unwrap().to_string(), "sip:10.0.0.1");
        assert_eq!(
            config.proxy.unwrap().to_string(),
            "sip:sbc.example;transport=tcp"
        );
        assert_eq!(config.transport, Some(Transport::Tcp));
    }

    #[test]
    fn redirections_are_followed_unless_the_person_says_otherwise() {
        let mut settings = written("1001@pbx.example");
        assert!(account_config(&settings, None).unwrap().follow_redirects);
        settings.no_redirects = true;
        assert!(!account_config(&settings, None).unwrap().follow_redirects);
    }

    #[test]
    fn what_an_account_trusts_is_as_strict_as_the_person_leaves_it() {
        let mut settings = written("1001@pbx.example");
        let trust = |settings: &AccountSettings| account_config(settings, None).unwrap().trust;
        assert_eq!(trust(&settings), Trust::default());
        settings.trust.require_tls = true;
        assert!(trust(&settings).require_tls && !trust(&settings).weaker_digest);
        settings.trust.weaker_digest = true;
        assert!(trust(&settings).weaker_digest && !trust(&settings).other_realms);
        settings.trust.other_realms = true;
        assert!(trust(&settings).other_realms && !trust(&settings).direct_calls);
        settings.trust.direct_calls = true;
        assert!(trust(&settings).direct_calls);
    }

    #[test]
    fn transfers_are_by_refer_and_ask_before_outside_unless_the_person_says_otherwise() {
        let mut settings = written("1001@pbx.example");
        let config = account_config(&settings, None).unwrap();
        assert_eq!(config.transfers, TransferPolicy::Inside);
        assert_eq!(config.transfer_code, None);
        assert_eq!(config.digits, DigitsBy::Agreed);
        settings.ask_transfers = true;
        settings.transfer_code = Some(" ##* ".into());
        settings.digits = Some("short-info".into());
        let config = account_config(&settings, None).unwrap();
        assert_eq!(config.transfers, TransferPolicy::Ask);
        assert_eq!(config.transfer_code.as_deref(), Some("##*"));
        assert_eq!(config.digits, DigitsBy::ShortInfo);
        settings.transfer_code = Some("transfer".into());
        let error = account_config(&settings, None).err();
        assert_eq!(error, Some(AccountError::TransferCode));
    }

    #[test]
    fn sound_is_encrypted_where_it_can_be_unless_the_person_says_otherwise() {
        let mut settings = written("1001@pbx.example");
        let mut wanted = |name: Option<&str>| {
            settings.srtp = name.map(str::to_owned);
            account_config(&settings, None).unwrap().encryption
        };
        assert_eq!(wanted(None), Encryption::Optional);
        assert_eq!(wanted(Some("off")), Encryption::Off);
        assert_eq!(wanted(Some("required")), Encryption::Required);
        assert_eq!(wanted(Some("of a later version")), Encryption::Required);
    }

    #[test]
    fn who_may_write_is_whom_the_server_lets_through_unless_the_person_says_otherwise() {
        let mut settings = written("1001@pbx.example");
        let messages =
            |settings: &AccountSettings| account_config(settings, None).unwrap().messages;
        assert_eq!(messages(&settings), MessagePolicy::Registrar);
        settings.writers = Writers::Anyone;
        assert_eq!(messages(&settings), MessagePolicy::Anyone);
        settings.writers = Writers::Nobody;
        assert_eq!(messages(&settings), MessagePolicy::Nobody);
    }

    #[test]
    fn rules_for_incoming_calls_come_with_the_account() {
        let mut settings = written("1001@pbx.example:5070");
        assert_eq!(
            account_config(&settings, None).unwrap().reception,
            agent::Reception::default()
        );
        settings.anonymous = true;
        settings.reception.forward_busy.on = true;
        settings.reception.forward_busy.to = "1002".into();
        let config = account_config(&settings, None).unwrap();
        assert!(config.anonymous);
        let to = config.reception.forward_busy.map(|it| it.to.to_string());
        assert_eq!(to.as_deref(), Some("sip:1002@pbx.example:5070"));
        settings.reception.forward_busy.to = String::new();
        let error = account_config(&settings, None).err();
        assert_eq!(error, Some(AccountError::Reception));
    }

    #[test]
    fn a_code_of_pickups_is_made_of_keys_and_a_place_for_the_number() {
        let mut settings = written("1001@pbx.example");
        for code in ["*8", "*8{ext}#"] {
            settings.pickup_code = Some(code.into());
            let config = account_config(&settings, None).unwrap();
            assert_eq!(config.pickup_code.as_deref(), Some(code));
        }
        settings.pickup_code = Some("pickup".into());
        let error = account_config(&settings, None).err();
        assert_eq!(error, Some(AccountError::PickupCode));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let error = |settings: &AccountSettings| account_config(settings, None).err();
        assert_eq!(error(&written("pbx.example")), Some(AccountError::Address));
        assert_eq!(error(&written("")), Some(AccountError::Address));
        assert_eq!(error(&written("1001@")), Some(AccountError::Address));
        let mut settings = written("1001@pbx.example");
        settings.proxy = Some("not a host".into());
        assert_eq!(error(&settings), Some(AccountError::Proxy));
        settings.proxy = None;
        settings.transport = Some("sctp".into());
        assert_eq!(error(&settings), Some(AccountError::Transport));
    }

    #[test]
    fn what_servers_have_to_show_comes_with_the_account() {
        let mut settings = written("sips:1001@pbx.example");
        let config = account_config(&settings, None).unwrap();
        assert_eq!(config.terms, Terms::default());
        assert!(config.aor.unwrap().is_sips());
        settings.transport = Some("wss".into());
        settings.ca = Some(" /etc/ours.pem ".into());
        settings.pin = Some("ab".repeat(32));
        let config = account_config(&settings, None).unwrap();
        assert_eq!(config.transport, Some(Transport::Wss));
        assert_eq!(config.terms.ca, Some(PathBuf::from("/etc/ours.pem")));
        let pin = config.terms.pin.map(|pin| pin.to_string());
        assert_eq!(pin, Some(["AB"; 32].join(":")));
        settings.pin = Some("ab".into());
        let error = |settings: &AccountSettings| account_config(settings, None).err();
        assert_eq!(error(&settings), Some(AccountError::Pin));
        settings.pin = None;
        settings.client_key = Some("/etc/key.pem".into());
        assert_eq!(error(&settings), Some(AccountError::CertificateFiles));
        settings.client_key = None;
        settings.ca = None;
        settings.crl = Some("/etc/revoked.pem".into());
        assert_eq!(error(&settings), Some(AccountError::CertificateFiles));
    }

    #[test]
    fn empty_fields_are_not_given() {
        let mut settings = written("1001@pbx.example");
        settings.proxy = Some("  ".into());
        settings.display_name = Some(String::new());
        let config = account_config(&settings, None).unwrap();
        assert_eq!((config.proxy, config.display_name), (None, None));
    }
}

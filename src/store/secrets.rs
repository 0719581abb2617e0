//! Passwords: in the system's keyring, or in memory until the program ends.

use std::collections::BTreeMap;

use super::SecretPlace;
use crate::redact::Secret;

/// The name under which the keyring files our secrets.
const SERVICE: &str = "ramal";

/// Why a secret was not kept or not found.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SecretError {
    /// No keyring answers, or it is locked and stays so.
    #[error("no keyring to keep secrets in")]
    NoKeyring,
    /// The keyring answered with a fault.
    #[error("the keyring failed")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// No passphrase has opened the file.
    #[error("the file of passwords is locked")]
    Locked,
    /// The file is under another passphrase, or was changed.
    #[error("the passphrase does not open the file of passwords")]
    WrongPassphrase,
    /// It is no file of passwords.
    #[error("the file of passwords is damaged")]
    Damaged,
    /// It cannot be read or written.
    #[error("the file of passwords cannot be used")]
    File(#[source] std::io::Error),
}

/// A place for passwords of accounts, by the account's number in the settings.
pub trait Secrets: Send {
    /// Keeps a password, in place of an earlier one.
    ///
    /// # Errors
    /// [`SecretError`]: it was not kept.
    fn put(&mut self, account: u32, password: &Secret<String>) -> Result<(), SecretError>;

    /// The password of an account; `None` if none is kept.
    ///
    /// # Errors
    /// [`SecretError`]: not known whether there is one.
    fn find(&mut self, account: u32) -> Result<Option<Secret<String>>, SecretError>;

    /// Forgets a password; does nothing if there is none.
    ///
    /// # Errors
    /// [`SecretError`]: it may still be there.
    fn remove(&mut self, account: u32) -> Result<(), SecretError>;

    /// Keeps passwords there from here on; those that it knows are to be put again. The file needs
    /// its passphrase.
    ///
    /// # Errors
    /// [`SecretError`]: they are kept where they were. So they are where there is no choice.
    fn choose(
        &mut self,
        place: SecretPlace,
        passphrase: Option<&Secret<String>>,
    ) -> Result<(), SecretError> {
        let _ = passphrase;
        match place {
            SecretPlace::Memory => Ok(()),
            SecretPlace::Keyring => Err(SecretError::NoKeyring),
            SecretPlace::File => Err(SecretError::Locked),
        }
    }
}

/// The system's: Secret Service, Keychain, Credential Manager. Calls may take long, a locked one
/// asks the person: for the `store` thread only.
#[derive(Debug, Default)]
pub struct Keyring;

impl Keyring {
    /// Whether it keeps anything, tried with a word that is taken away again: a service that
    /// answers may be locked, or have nowhere to write.
    ///
    /// # Errors
    /// [`SecretError`]: it does not.
    pub fn probe() -> Result<(), SecretError> {
        const WORD: &str = "probe";
        let entry = keyring::Entry::new(SERVICE, WORD).map_err(told)?;
        entry.set_password(WORD).map_err(told)?;
        let kept = entry.get_password().map_err(told);
        let removed = entry.delete_credential().map_err(told);
        if kept? == WORD {
            removed
        } else {
            Err(SecretError::NoKeyring)
        }
    }

    fn entry(account: u32) -> Result<keyring::Entry, SecretError> {
        keyring::Entry::new(SERVICE, &format!("account-{account}")).map_err(told)
    }
}

/// The keyring's errors may carry what it was given: of those that can, only the kind is passed on.
fn told(error: keyring::Error) -> SecretError {
    match error {
        keyring::Error::NoDefaultStore | keyring::Error::NoStorageAccess(_) => {
            SecretError::NoKeyring
        }
        keyring::Error::PlatformFailure(source) => SecretError::Failed(source),
        other => SecretError::Failed(kind_of(&other).into()),
    }
}

fn kind_of(error: &keyring::Error) -> &'static str {
    match error {
        keyring::Error::BadEncoding(_) => "the stored value is no text",
        keyring::Error::TooLong(..) => "the value is too long",
        keyring::Error::Ambiguous(_) => "there are several of this name",
        _ => "not possible",
    }
}

impl Secrets for Keyring {
    fn put(&mut self, account: u32, password: &Secret<String>) -> Result<(), SecretError> {
        Keyring::entry(account)?
            .set_password(password.reveal())
            .map_err(told)
    }

    fn find(&mut self, account: u32) -> Result<Option<Secret<String>>, SecretError> {
        match Keyring::entry(account)?.get_password() {
            Ok(password) => Ok(Some(Secret::new(password))),
            Err(keyring::Error::NoEntry) => Ok(None),
            Err(error) => Err(told(error)),
        }
    }

    fn remove(&mut self, account: u32) -> Result<(), SecretError> {
        match Keyring::entry(account)?.delete_credential() {
            Ok(()) | Err(keyring::Error::NoEntry) => Ok(()),
            Err(error) => Err(told(error)),
        }
    }
}

/// In memory, until the program ends.
#[derive(Debug, Default)]
pub struct SessionSecrets(BTreeMap<u32, Secret<String>>);

impl Secrets for SessionSecrets {
    fn put(&mut self, account: u32, password: &Secret<String>) -> Result<(), SecretError> {
        self.0.insert(account, password.clone());
        Ok(())
    }

    fn find(&mut self, account: u32) -> Result<Option<Secret<String>>, SecretError> {
        Ok(self.0.get(&account).cloned())
    }

    fn remove(&mut self, account: u32) -> Result<(), SecretError> {
        self.0.remove(&account);
        Ok(())
    }
}

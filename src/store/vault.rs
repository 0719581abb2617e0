//! Where passwords are kept, by the person's choice: the system's keyring, a file under a
//! passphrase, or nowhere beyond this session. None takes the place of another unasked.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{EncryptedFile, Keyring, SecretError, Secrets, SessionSecrets};
use crate::redact::Secret;

/// Where a person wants passwords to be kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SecretPlace {
    /// The system's: Secret Service, Keychain, Credential Manager.
    #[default]
    Keyring,
    /// A file beside the settings, under a passphrase.
    File,
    /// Memory, until the program ends.
    Memory,
}

impl SecretPlace {
    /// Whether nothing was decided.
    #[must_use]
    pub fn is_usual(&self) -> bool {
        *self == SecretPlace::default()
    }
}

/// Passwords in the place that was chosen. For the `keyring` thread: each place may take long.
#[derive(Debug)]
pub struct Vault {
    place: SecretPlace,
    /// The place before: what has come to the new one is forgotten there.
    former: Option<SecretPlace>,
    path: PathBuf,
    keyring: Keyring,
    /// `None`: no passphrase has opened it.
    file: Option<EncryptedFile>,
    memory: SessionSecrets,
}

impl Vault {
    /// Keeps passwords in this place; `path` is where the file is, or would be.
    #[must_use]
    pub fn new(place: SecretPlace, path: &Path) -> Vault {
        Vault {
            place,
            former: None,
            path: path.to_owned(),
            keyring: Keyring,
            file: None,
            memory: SessionSecrets::default(),
        }
    }

    fn at(&mut self, place: SecretPlace) -> Result<&mut dyn Secrets, SecretError> {
        Ok(match place {
            SecretPlace::Keyring => &mut self.keyring,
            SecretPlace::File => self.file.as_mut().ok_or(SecretError::Locked)?,
            SecretPlace::Memory => &mut self.memory,
        })
    }
}

impl Secrets for Vault {
    fn put(&mut self, account: u32, password: &Secret<String>) -> Result<(), SecretError> {
        self.at(self.place)?.put(account, password)?;
        if let Some(former) = self.former
            && let Err(error) = self.at(former).and_then(|it| it.remove(account))
        {
            tracing::warn!(account, "a password stays where it was: {error}");
        }
        Ok(())
    }

    fn find(&mut self, account: u32) -> Result<Option<Secret<String>>, SecretError> {
        self.at(self.place)?.find(account)
    }

    fn remove(&mut self, account: u32) -> Result<(), SecretError> {
        self.at(self.place)?.remove(account)
    }

    fn choose(
        &mut self,
        place: SecretPlace,
        passphrase: Option<&Secret<String>>,
    ) -> Result<(), SecretError> {
        match place {
            SecretPlace::Keyring => Keyring::probe()?,
            SecretPlace::File => {
                let passphrase = passphrase.ok_or(SecretError::Locked)?;
                self.file = Some(EncryptedFile::open(&self.path, passphrase)?);
            }
            SecretPlace::Memory => {}
        }
        if place != self.place {
            self.former = Some(self.place);
            self.place = place;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_moves_with_the_choice_and_is_not_left_behind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("passwords.sealed");
        let mut vault = Vault::new(SecretPlace::Memory, &path);
        vault.put(1, &"s3cret".into()).unwrap();
        let passphrase: Secret<String> = "correct horse".into();
        vault.choose(SecretPlace::File, Some(&passphrase)).unwrap();
        assert_eq!(
            vault.find(1).unwrap(),
            None,
            "whoever knows it puts it again"
        );
        vault.put(1, &"s3cret".into()).unwrap();
        assert_eq!(vault.memory.find(1).unwrap(), None);
        // Another start: locked until the passphrase comes.
        let mut vault = Vault::new(SecretPlace::File, &path);
        assert!(matches!(vault.find(1), Err(SecretError::Locked)));
        assert!(matches!(
            vault.put(2, &"x".into()),
            Err(SecretError::Locked)
        ));
        assert!(matches!(
            vault.choose(SecretPlace::File, None),
            Err(SecretError::Locked)
        ));
        assert!(matches!(
            vault.choose(SecretPlace::File, Some(&"wrong".into())),
            Err(SecretError::WrongPassphrase)
        ));
        vault.choose(SecretPlace::File, Some(&passphrase)).unwrap();
        assert_eq!(vault.find(1).unwrap(), Some("s3cret".into()));
        // And back to nowhere.
        vault.choose(SecretPlace::Memory, None).unwrap();
        vault.put(1, &"s3cret".into()).unwrap();
        let mut again = Vault::new(SecretPlace::File, &path);
        again.choose(SecretPlace::File, Some(&passphrase)).unwrap();
        assert_eq!(again.find(1).unwrap(), None);
    }

    #[test]
    fn the_places_are_words_in_the_settings() {
        let word = |place| toml::Value::try_from(place).unwrap();
        assert_eq!(word(SecretPlace::Keyring).as_str(), Some("keyring"));
        assert_eq!(word(SecretPlace::File).as_str(), Some("file"));
        assert_eq!(word(SecretPlace::Memory).as_str(), Some("memory"));
    }
}

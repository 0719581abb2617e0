//! The `store` thread: disk and keyring may take seconds, and nobody else waits for them.

use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;

use super::{Secrets, Settings, SettingsFile};
use crate::redact::Secret;

/// Orders that may wait; one more is refused.
const QUEUE: usize = 32;

/// What the store shall do.
#[derive(Debug)]
pub enum Order {
    /// Write the settings.
    Save(Box<Settings>),
    /// Keep a password.
    Put {
        /// The account's number in the settings.
        account: u32,
        /// Its password.
        password: Secret<String>,
    },
    /// Look for a password.
    Find {
        /// The account's number in the settings.
        account: u32,
    },
    /// Forget a password.
    Remove {
        /// The account's number in the settings.
        account: u32,
    },
}

/// What became of an order.
#[derive(Debug)]
pub enum Answer {
    /// The settings are on disk, or not.
    Saved(Result<(), super::SaveError>),
    /// The password is kept, or not.
    Kept {
        /// The account's number in the settings.
        account: u32,
        /// Whether it is.
        outcome: Result<(), super::SecretError>,
    },
    /// What was found.
    Found {
        /// The account's number in the settings.
        account: u32,
        /// `None`: no password is kept.
        password: Result<Option<Secret<String>>, super::SecretError>,
    },
}

/// The thread, as long as this lives. Dropping it waits for the orders given.
#[derive(Debug)]
pub struct Worker {
    orders: Option<SyncSender<Order>>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    /// Starts the thread. `answer` is called on it.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(
        file: Option<SettingsFile>,
        secrets: Box<dyn Secrets>,
        answer: impl Fn(Answer) + Send + 'static,
    ) -> std::io::Result<Worker> {
        let (orders, queue) = sync_channel(QUEUE);
        let thread = std::thread::Builder::new()
            .name("store".into())
            .spawn(move || work(&queue, file.as_ref(), secrets, answer))?;
        Ok(Worker {
            orders: Some(orders),
            thread: Some(thread),
        })
    }

    /// Gives an order without waiting; handed back when the queue is full.
    ///
    /// # Errors
    /// The order, when it was not taken.
    pub fn give(&self, order: Order) -> Result<(), Order> {
        match &self.orders {
            Some(orders) => orders.try_send(order).map_err(|error| match error {
                TrySendError::Full(order) | TrySendError::Disconnected(order) => order,
            }),
            None => Err(order),
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.orders = None;
        if let Some(thread) = self.thread.take() {
            // A panic there has been reported by the panic hook.
            let _ = thread.join();
        }
    }
}

fn work(
    orders: &Receiver<Order>,
    file: Option<&SettingsFile>,
    mut secrets: Box<dyn Secrets>,
    answer: impl Fn(Answer),
) {
    while let Ok(order) = orders.recv() {
        match order {
            Order::Save(settings) => {
                answer(Answer::Saved(
                    file.map_or(Ok(()), |file| file.save(&settings)),
                ));
            }
            Order::Put { account, password } => {
                let outcome = secrets.put(account, &password);
                answer(Answer::Kept { account, outcome });
            }
            Order::Find { account } => {
                let password = secrets.find(account);
                answer(Answer::Found { account, password });
            }
            Order::Remove { account } => {
                if let Err(error) = secrets.remove(account) {
                    tracing::warn!(account, "a password stays in the keyring: {error}");
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::SessionSecrets;
    use super::*;

    #[test]
    fn a_password_is_found_until_it_is_removed() {
        let (tell, told) = sync_channel(8);
        let worker = Worker::start(None, Box::<SessionSecrets>::default(), move |answer| {
            tell.send(answer).unwrap();
        })
        .unwrap();
        worker
            .give(Order::Put {
                account: 3,
                password: "s3cret".into(),
            })
            .unwrap();
        worker.give(Order::Find { account: 3 }).unwrap();
        worker.give(Order::Remove { account: 3 }).unwrap();
        worker.give(Order::Find { account: 3 }).unwrap();
        drop(worker);
        let answers: Vec<_> = told.iter().collect();
        assert!(matches!(
            &answers[0],
            Answer::Kept {
                account: 3,
                outcome: Ok(())
            }
        ));
        let found = |answer: &Answer| match answer {
            Answer::Found {
                password: Ok(password),
                ..
            } => password.clone(),
            other => panic!("{other:?}"),
        };
        assert_eq!(found(&answers[1]), Some("s3cret".into()));
        assert_eq!(found(&answers[2]), None);
    }
}

//! Ctrl-C, and the system's request to end.

/// Calls `heard` for each interruption, on a thread of its own, for as long as the program runs.
///
/// # Errors
/// When the system gives no thread.
pub fn on_interrupt(heard: impl Fn() + Send + 'static) -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    std::thread::Builder::new()
        .name("signals".into())
        .spawn(move || {
            runtime.block_on(async {
                let mut interrupts = Interrupts::listen(true);
                loop {
                    interrupts.next().await;
                    heard();
                }
            });
        })?;
    Ok(())
}

/// What interrupts the program, if it is to be heard.
pub(super) struct Interrupts {
    #[cfg(unix)]
    signals: Option<[tokio::signal::unix::Signal; 2]>,
    #[cfg(not(unix))]
    heard: bool,
}

impl Interrupts {
    /// From here on SIGINT and SIGTERM no longer end the process by themselves.
    #[cfg(unix)]
    pub(super) fn listen(wanted: bool) -> Interrupts {
        use tokio::signal::unix::{SignalKind, signal};
        let both = || {
            let interrupt = signal(SignalKind::interrupt()).ok()?;
            let terminate = signal(SignalKind::terminate()).ok()?;
            Some([interrupt, terminate])
        };
        Interrupts {
            signals: if wanted { both() } else { None },
        }
    }

    #[cfg(not(unix))]
    pub(super) fn listen(wanted: bool) -> Interrupts {
        Interrupts { heard: wanted }
    }

    /// Waits for the next one; for ever, if none is to be heard.
    #[cfg(unix)]
    pub(super) async fn next(&mut self) {
        match &mut self.signals {
            Some([interrupt, terminate]) => {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                }
            }
            None => std::future::pending().await,
        }
    }

    #[cfg(not(unix))]
    pub(super) async fn next(&mut self) {
        if !self.heard || tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

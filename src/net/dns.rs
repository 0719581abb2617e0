//! Questions to DNS servers, and which names are none of theirs.
//!
//! Answers are kept for as long as their records say, within bounds, and so is that there is none
//! (RFC 2308). The servers are the system's, read when a [`Resolver`] is made: a machine that
//! changes networks makes a new one.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::{Name, RData, RecordType};
use tokio::time::Instant;

/// How long one server has for an answer, and how often it is asked.
const WITHIN: Duration = Duration::from_millis(1_500);
const ATTEMPTS: usize = 2;
/// Answers that are kept.
const KEPT: u64 = 512;
/// The longest that an answer is kept, whatever it says.
const LONGEST: Duration = Duration::from_secs(3_600);
/// How long it is kept that there is none: a name that is put up just now shall be found soon.
const NEGATIVE: std::ops::RangeInclusive<Duration> =
    Duration::from_secs(5)..=Duration::from_secs(60);
/// How long a question that got no answer at all is not asked again.
const SILENT_FOR: Duration = Duration::from_secs(60);
/// Such questions that are remembered.
const MAX_SILENT: usize = 64;
/// The longest file of names that is read, in bytes.
const LONGEST_HOSTS: u64 = 8 * 1024 * 1024;

/// What kind of records is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordKind {
    /// RFC 3403.
    Naptr,
    /// RFC 2782.
    Srv,
    /// IPv4 addresses.
    A,
    /// IPv6 addresses.
    Aaaa,
}

/// One record of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// A service of a domain.
    Naptr {
        /// Lower ones come first.
        order: u16,
        /// Likewise, among those of the same order.
        preference: u16,
        /// What the replacement is.
        flags: String,
        /// Which service.
        service: String,
        /// The name to go on with.
        replacement: String,
    },
    /// A host that serves one.
    Srv {
        /// Lower ones come first.
        priority: u16,
        /// How often it comes first among those of the same priority.
        weight: u16,
        /// Its port.
        port: u16,
        /// Its name.
        target: String,
    },
    /// An address.
    Address(IpAddr),
}

/// Asks the DNS servers of the machine, or one that was named. Cheap to clone; clones share what
/// they have learnt.
#[derive(Clone)]
pub struct Resolver {
    dns: Option<TokioResolver>,
    named: bool,
    /// Questions that got no answer at all, and until when they are not asked again: some routers
    /// swallow those they do not know, and each call would wait for them.
    silent: Arc<Mutex<BTreeMap<(String, RecordType), Instant>>>,
}

impl std::fmt::Debug for Resolver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let named = self.named;
        f.debug_struct("Resolver")
            .field("named", &named)
            .finish_non_exhaustive()
    }
}

impl Resolver {
    /// Asks `server`, or those of the system. Where the system names none, nothing is asked and
    /// every name is the system's own affair.
    #[must_use]
    pub fn new(server: Option<SocketAddr>) -> Resolver {
        let built = match server {
            Some(server) => {
                let mut name_server = NameServerConfig::udp_and_tcp(server.ip());
                for connection in &mut name_server.connections {
                    connection.port = server.port();
                }
                let config = ResolverConfig::from_name_servers(vec![name_server]);
                let provider = TokioRuntimeProvider::default();
                Ok(TokioResolver::builder_with_config(config, provider))
            }
            None => TokioResolver::builder_tokio(),
        };
        let dns = built.and_then(|mut builder| {
            limit(builder.options_mut());
            builder.build()
        });
        if let Err(error) = &dns {
            tracing::debug!("no DNS server: {error}");
        }
        Resolver {
            dns: dns.ok(),
            named: server.is_some(),
            silent: Arc::default(),
        }
    }

    /// Whether a server was named for us, so that nobody else is to be asked.
    #[must_use]
    pub const fn is_named(&self) -> bool {
        self.named
    }

    /// Whether this name is none for DNS servers: one of the machine's own list, or of the house.
    /// The system finds those, by its list, by search domains, by multicast.
    pub async fn is_of_system(&self, name: &str) -> bool {
        if self.dns.is_none() || is_of_house(name) {
            return true;
        }
        let name = name.to_owned();
        let looked = tokio::task::spawn_blocking(move || {
            let path = hosts_file();
            let short = std::fs::metadata(&path).is_ok_and(|file| file.len() <= LONGEST_HOSTS);
            let text = short.then(|| std::fs::read(&path));
            let text = text.and_then(Result::ok).unwrap_or_default();
            is_listed(&String::from_utf8_lossy(&text), &name)
        });
        looked.await.unwrap_or(false)
    }

    /// The records of this kind that a name has; none also where nobody answers.
    pub async fn ask(&self, name: &str, kind: RecordKind) -> Vec<Record> {
        let Some(dns) = &self.dns else {
            return Vec::new();
        };
        let kind = match kind {
            RecordKind::Naptr => RecordType::NAPTR,
            RecordKind::Srv => RecordType::SRV,
            RecordKind::A => RecordType::A,
            RecordKind::Aaaa => RecordType::AAAA,
        };
        let Ok(mut asked) = Name::from_utf8(name) else {
            return Vec::new();
        };
        // A whole name: search domains are not put behind it.
        asked.set_fqdn(true);
        if self.is_silent(name, kind) {
            return Vec::new();
        }
        match dns.lookup(asked, kind).await {
            Ok(found) => {
                let records = found.answers().iter();
                records.filter_map(|it| record(&it.data)).collect()
            }
            Err(error) => {
                if !error.is_no_records_found() {
                    tracing::debug!("no answer about {kind} of {name}: {error}");
                    self.note_silence(name, kind);
                }
                Vec::new()
            }
        }
    }
}

impl Resolver {
    fn is_silent(&self, name: &str, kind: RecordType) -> bool {
        let silent = self.silent.lock().unwrap_or_else(PoisonError::into_inner);
        let until = silent.get(&(name.to_owned(), kind));
        until.is_some_and(|until| *until > Instant::now())
    }

    fn note_silence(&self, name: &str, kind: RecordType) {
        // Without addresses nothing goes: those are asked for each time.
        if matches!(kind, RecordType::A | RecordType::AAAA) {
            return;
        }
        let now = Instant::now();
        let mut silent = self.silent.lock().unwrap_or_else(PoisonError::into_inner);
        silent.retain(|_, until| *until > now);
        if silent.len() < MAX_SILENT {
            silent.insert((name.to_owned(), kind), now + SILENT_FOR);
        }
    }
}

fn limit(options: &mut ResolverOpts) {
    options.timeout = WITHIN;
    options.attempts = ATTEMPTS;
    options.cache_size = KEPT;
    options.positive_max_ttl = Some(LONGEST);
    options.negative_min_ttl = Some(*NEGATIVE.start());
    options.negative_max_ttl = Some(*NEGATIVE.end());
    // The list of the machine is looked at before anybody is asked.
    options.use_hosts_file = ResolveHosts::Never;
}

fn record(data: &RData) -> Option<Record> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Some(match data {
        RData::A(ip) => Record::Address(IpAddr::V4(ip.0)),
        RData::AAAA(ip) => Record::Address(IpAddr::V6(ip.0)),
        RData::SRV(srv) => Record::Srv {
            priority: srv.priority,
            weight: srv.weight,
            port: srv.port,
            target: srv.target.to_ascii(),
        },
        RData::NAPTR(naptr) => Record::Naptr {
            order: naptr.order,
            preference: naptr.preference,
            flags: text(&naptr.flags),
            service: text(&naptr.services),
            replacement: naptr.replacement.to_ascii(),
        },
        _ => return None,
    })
}

/// Names that no DNS server outside the house knows (RFC 6761, RFC 6762), and those without a dot,
/// which the system completes.
fn is_of_house(name: &str) -> bool {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    let last = name.rsplit('.').next().unwrap_or_default();
    last == name || matches!(last, "local" | "localhost")
}

fn hosts_file() -> PathBuf {
    if cfg!(windows) {
        let root = std::env::var_os("SystemRoot").unwrap_or_else(|| r"C:\Windows".into());
        PathBuf::from(root).join(r"System32\drivers\etc\hosts")
    } else {
        PathBuf::from("/etc/hosts")
    }
}

/// Whether a list of hosts (an address and its names on each line, `#` before remarks) has this
/// name.
fn is_listed(hosts: &str, name: &str) -> bool {
    let name = name.trim_end_matches('.');
    let said = |line: &str| line.split('#').next().unwrap_or_default().to_owned();
    hosts.lines().any(|line| {
        let line = said(line);
        let mut words = line.split_ascii_whitespace();
        words.next().is_some() && words.any(|word| word.eq_ignore_ascii_case(name))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_the_house_are_not_asked_outside() {
        for name in ["localhost", "pbx", "pbx.local", "a.localhost", "PBX.Local."] {
            assert!(is_of_house(name), "{name}");
        }
        for name in ["example.com", "local.example", "pbx.example."] {
            assert!(!is_of_house(name), "{name}");
        }
    }

    #[test]
    fn the_list_of_the_machine_is_read_as_it_is_written() {
        let hosts = "127.0.0.1 localhost\n\
                     192.0.2.1\tpbx.example.com  pbx # the old one: old.example\n\
                     # 192.0.2.2 gone.example\n";
        for name in ["localhost", "PBX.example.com", "pbx", "pbx.example.com."] {
            assert!(is_listed(hosts, name), "{name}");
        }
        for name in [
            "old.example",
            "gone.example",
            "192.0.2.1",
            "example.com",
            "",
        ] {
            assert!(!is_listed(hosts, name), "{name}");
        }
    }
}

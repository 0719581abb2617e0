//! Finding the servers of a hop: questions of [`crate::sip::locating`], answers of
//! [`crate::net::dns`].

use std::net::SocketAddr;

use tokio::task::JoinSet;

use super::clock;
use crate::net::{self, Resolver, dns};
use crate::sip::locating::{
    Answer, Hop, Locating, LocatingOutput, Naptr, Question, RecordKind, Server, Srv,
};
use crate::sip::{Host, Transport};

/// The servers of a hop that speak one of these transports, best first; none where none is found
/// in time.
pub(super) async fn servers(
    resolver: Resolver,
    hop: Hop,
    spoken: &[Transport],
    seed: u64,
) -> Vec<Server> {
    let name = match &hop.host.host {
        Host::Ip(_) => None,
        Host::Name(name) => Some(name.clone()),
    };
    if let Some(name) = &name
        && !resolver.is_named()
        && resolver.is_of_system(name).await
    {
        return by_system(name, &hop).await;
    }
    let found = by_dns(&resolver, hop.clone(), spoken, seed).await;
    match name {
        // The system may know ways to find names that we do not.
        Some(name) if found.is_empty() && !resolver.is_named() => by_system(&name, &hop).await,
        _ => found,
    }
}

async fn by_system(name: &str, hop: &Hop) -> Vec<Server> {
    let transport = hop.transport_or_default();
    let port = hop.host.port_or(transport.default_port());
    match net::lookup(name, port).await {
        Ok(addresses) => {
            let server = |address: SocketAddr| Server { transport, address };
            addresses.into_iter().map(server).collect()
        }
        Err(error) => {
            tracing::debug!("name not found: {error}");
            Vec::new()
        }
    }
}

async fn by_dns(resolver: &Resolver, hop: Hop, spoken: &[Transport], seed: u64) -> Vec<Server> {
    let mut locating = Locating::new(clock::now(), hop, spoken, seed);
    let mut asked = JoinSet::new();
    loop {
        match locating.poll_output() {
            LocatingOutput::Ask(question) => {
                let resolver = resolver.clone();
                asked.spawn(async move {
                    let answer = answer(&resolver, &question).await;
                    (question, answer)
                });
            }
            LocatingOutput::Found(servers) => return servers,
            LocatingOutput::Wait(at) => {
                tokio::select! {
                    Some(Ok((question, answer))) = asked.join_next() => {
                        locating.handle_answer(clock::now(), &question, answer);
                    }
                    () = tokio::time::sleep_until(at.into()) => {
                        locating.handle_timeout(clock::now().max(at));
                    }
                }
            }
        }
    }
}

async fn answer(resolver: &Resolver, question: &Question) -> Answer {
    let kind = match question.kind {
        RecordKind::Naptr => dns::RecordKind::Naptr,
        RecordKind::Srv => dns::RecordKind::Srv,
        RecordKind::A => dns::RecordKind::A,
        RecordKind::Aaaa => dns::RecordKind::Aaaa,
    };
    let (mut services, mut hosts, mut addresses) = (Vec::new(), Vec::new(), Vec::new());
    for record in resolver.ask(&question.name, kind).await {
        match record {
            dns::Record::Naptr {
                order,
                preference,
                flags,
                service,
                replacement,
            } => services.push(Naptr {
                order,
                preference,
                flags,
                service,
                replacement,
            }),
            dns::Record::Srv {
                priority,
                weight,
                port,
                target,
            } => hosts.push(Srv {
                priority,
                weight,
                port,
                target,
            }),
            dns::Record::Address(ip) => addresses.push(ip),
        }
    }
    match question.kind {
        RecordKind::Naptr if !services.is_empty() => Answer::Naptr(services),
        RecordKind::Srv if !hosts.is_empty() => Answer::Srv(hosts),
        RecordKind::A | RecordKind::Aaaa if !addresses.is_empty() => Answer::Addresses(addresses),
        _ => Answer::Nothing,
    }
}

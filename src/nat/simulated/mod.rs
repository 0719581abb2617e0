//! A small internet for tests: networks behind address translators of every kind that RFC 4787
//! names, servers, loss, delay and reordering; by seed, on a clock turned by hand.

mod phones;
pub(crate) mod relay;
mod translator;
mod world;

pub(crate) use phones::{Setting, Two};
pub(crate) use translator::{Behaviour, Dependence};
pub(crate) use world::{Realm, World};

//! The padlock, and how much encryption an account wants.

use ramal::agent::{MediaSecurity, Security};
use ramal::engine::{CallPhase, CallView};

use crate::fake::Desk;
use crate::scenes::{call, idle, with_call};

const KEYED: Security = Security {
    signalling: false,
    media: MediaSecurity::Sdes,
    identity: false,
};

#[test]
fn a_call_says_what_its_encryption_is_worth_and_nothing_where_there_is_none() {
    let mut desk = Desk::new(idle());
    let talking = call(1, CallPhase::Connected, desk.now());
    desk.put(with_call(talking.clone()));
    assert!(!desk.says("criptografado"));
    let mut with = |security| {
        desk.put(with_call(CallView {
            security,
            ..talking.clone()
        }));
        let seen = [
            "Som criptografado, chaves expostas",
            "Som criptografado, servidor verificado",
        ]
        .map(|text| desk.shows(text));
        (seen, desk.shows("Som criptografado"))
    };
    assert_eq!(with(KEYED), ([true, false], false));
    let signalling = Security {
        signalling: true,
        ..KEYED
    };
    assert_eq!(with(signalling), ([false, false], true));
    let verified = Security {
        identity: true,
        ..signalling
    };
    assert_eq!(with(verified), ([false, true], false));
}

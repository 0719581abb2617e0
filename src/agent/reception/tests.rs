//! Each rule, each guard, and what goes before what.

use super::*;
use crate::sip::NameAddr;

const SECONDS: fn(u64) -> Duration = Duration::from_secs;

fn uri(text: &str) -> Uri {
    text.parse().unwrap()
}

fn to(text: &str) -> Option<Forward> {
    let to = uri(text);
    Some(Forward { to, when: None })
}

/// 1001 is called by 1005 through its server, on Monday at noon.
struct Case {
    own: Uri,
    caller: Option<Uri>,
    diversions: Vec<Diversion>,
    busy: bool,
    full: bool,
    from_server: bool,
    asks_for_answer: Option<Duration>,
    hops_left: Option<u8>,
    time: LocalTime,
}

impl Default for Case {
    fn default() -> Self {
        Case {
            own: uri("sip:1001@pbx.example"),
            caller: Some(uri("sip:1005@pbx.example")),
            diversions: Vec::new(),
            busy: false,
            full: false,
            from_server: true,
            asks_for_answer: None,
            hops_left: Some(69),
            time: LocalTime {
                weekday: 0,
                minute: 12 * 60,
            },
        }
    }
}

impl Case {
    fn by(&self, rules: &Reception) -> Verdict {
        rules.judge(&Arriving {
            time: self.time,
            busy: self.busy,
            full: self.full,
            caller: self.caller.as_ref(),
            from_server: self.from_server,
            asks_for_answer: self.asks_for_answer,
            diversions: &self.diversions,
            own: Some(&self.own),
            hops_left: self.hops_left,
        })
    }

    fn diverted(by: &[(&str, u32)]) -> Case {
        let diversions = by.iter().map(|(by, count)| Diversion {
            by: NameAddr::new(uri(by)),
            reason: DiversionReason::Unknown,
            count: *count,
            private: false,
        });
        Case {
            diversions: diversions.collect(),
            ..Case::default()
        }
    }
}

fn rings() -> Verdict {
    Verdict::Ring(Ringing::default())
}

fn forwards(to: &str, reason: DiversionReason) -> Verdict {
    let to = uri(to);
    Verdict::Forward { to, reason }
}

fn declines(status: StatusCode, why: WhyDeclined) -> Verdict {
    Verdict::Decline { status, why }
}

fn undisturbed(when: Option<Timetable>) -> Option<DoNotDisturb> {
    let status = StatusCode::TEMPORARILY_UNAVAILABLE;
    Some(DoNotDisturb { status, when })
}

const OFFICE: Timetable = Timetable {
    days: [true, true, true, true, true, false, false],
    from: 8 * 60,
    to: 18 * 60,
};

#[test]
fn without_rules_it_rings_until_no_line_is_left() {
    let rules = Reception::default();
    assert_eq!(Case::default().by(&rules), rings());
    let busy = Case {
        busy: true,
        ..Case::default()
    };
    assert_eq!(busy.by(&rules), rings());
    let full = Case { full: true, ..busy };
    assert_eq!(
        full.by(&rules),
        declines(StatusCode::BUSY_HERE, WhyDeclined::NoLine)
    );
}

#[test]
fn each_forward_is_for_its_own_occasion() {
    let always = Reception {
        forward_always: to("sip:1002@pbx.example"),
        do_not_disturb: undisturbed(None),
        ..Reception::default()
    };
    let busy = Reception {
        forward_busy: to("sip:1003@pbx.example"),
        ..Reception::default()
    };
    let unconditional = forwards("sip:1002@pbx.example", DiversionReason::Unconditional);
    assert_eq!(Case::default().by(&always), unconditional);
    assert_eq!(Case::default().by(&busy), rings());
    for full in [false, true] {
        let talking = Case {
            busy: true,
            full,
            ..Case::default()
        };
        let user_busy = forwards("sip:1003@pbx.example", DiversionReason::UserBusy);
        assert_eq!(talking.by(&busy), user_busy);
    }
    let unanswered = Reception {
        forward_no_answer: to("sip:1004@pbx.example").map(|it| (it, SECONDS(20))),
        ..Reception::default()
    };
    let ringing = Ringing {
        forward: Some((SECONDS(20), uri("sip:1004@pbx.example"))),
        ..Ringing::default()
    };
    assert_eq!(Case::default().by(&unanswered), Verdict::Ring(ringing));
}

#[test]
fn who_does_not_want_to_be_disturbed_chooses_with_what() {
    for status in [StatusCode::TEMPORARILY_UNAVAILABLE, StatusCode::BUSY_HERE] {
        let rules = Reception {
            do_not_disturb: Some(DoNotDisturb { status, when: None }),
            auto_answer: Some(AutoAnswer {
                after: SECONDS(0),
                beep: false,
            }),
            forward_busy: to("sip:1003@pbx.example"),
            ..Reception::default()
        };
        let busy = Case {
            busy: true,
            ..Case::default()
        };
        let expected = declines(status, WhyDeclined::DoNotDisturb);
        assert_eq!(Case::default().by(&rules), expected);
        assert_eq!(busy.by(&rules), expected);
    }
}

#[test]
fn a_rule_holds_by_its_timetable() {
    let rules = Reception {
        do_not_disturb: undisturbed(Some(OFFICE)),
        forward_always: Some(Forward {
            to: uri("sip:1002@pbx.example"),
            when: Some(Timetable {
                days: [true; 7],
                from: 18 * 60,
                to: 8 * 60,
            }),
        }),
        ..Reception::default()
    };
    let at = |weekday, hour: u16| Case {
        time: LocalTime {
            weekday,
            minute: hour * 60,
        },
        ..Case::default()
    };
    let away = forwards("sip:1002@pbx.example", DiversionReason::Unconditional);
    let undisturbed = declines(
        StatusCode::TEMPORARILY_UNAVAILABLE,
        WhyDeclined::DoNotDisturb,
    );
    assert_eq!(at(0, 12).by(&rules), undisturbed);
    assert_eq!(at(0, 20).by(&rules), away);
    assert_eq!(at(1, 3).by(&rules), away);
    assert_eq!(at(5, 12).by(&rules), rings(), "Saturday");
    assert!(rules.is_undisturbed_at(at(0, 12).time));
    assert!(!rules.is_undisturbed_at(at(5, 12).time));
    let to = uri("sip:1002@pbx.example");
    assert_eq!(rules.forwards_all_at(at(5, 20).time), Some(&to));
    assert_eq!(rules.forwards_all_at(at(5, 12).time), None);
}

#[test]
fn a_call_is_not_sent_in_a_circle() {
    let rules = Reception {
        forward_always: to("sip:1002@pbx.example;transport=tcp"),
        forward_no_answer: to("sip:1002@pbx.example").map(|it| (it, SECONDS(20))),
        ..Reception::default()
    };
    let own = Case {
        own: uri("sip:1002@PBX.example:5060"),
        ..Case::default()
    };
    let calls_back = Case {
        caller: Some(uri("sip:1002@pbx.example")),
        ..Case::default()
    };
    let came_from = |by: &[(&str, u32)]| Case::diverted(by);
    for (case, why) in [
        (own, "to itself"),
        (calls_back, "to who calls"),
        (came_from(&[("sip:1002@pbx.example", 1)]), "back"),
        (came_from(&[("sip:1001@pbx.example", 1)]), "a second time"),
        (came_from(&[("sip:1@h", 2), ("sip:2@h", 3)]), "too often"),
        (came_from(&[("sip:1@h", u32::MAX), ("sip:2@h", 3)]), "sums"),
        (
            Case {
                hops_left: Some(0),
                ..Case::default()
            },
            "no hop left",
        ),
    ] {
        assert_eq!(case.by(&rules), rings(), "{why}");
    }
    let passes = came_from(&[("sip:1@h", 1), ("sip:2@h", 3)]);
    assert!(matches!(passes.by(&rules), Verdict::Forward { .. }));
}

#[test]
fn strangers_ring_or_not_by_choice() {
    let rules = |strangers| Reception {
        known: vec!["1005".into()],
        strangers,
        ..Reception::default()
    };
    let stranger = || Case {
        caller: Some(uri("sip:4000@pbx.example")),
        ..Case::default()
    };
    let hidden = || Case {
        caller: None,
        ..Case::default()
    };
    let decline = rules(Strangers::Decline(StatusCode::BUSY_HERE));
    let declined = declines(StatusCode::BUSY_HERE, WhyDeclined::NotKnown);
    assert_eq!(Case::default().by(&decline), rings());
    assert_eq!(stranger().by(&decline), declined);
    assert_eq!(hidden().by(&decline), declined);
    let silent = rules(Strangers::Silent);
    let unheard = Verdict::Ring(Ringing {
        silent: true,
        ..Ringing::default()
    });
    assert_eq!(Case::default().by(&silent), rings());
    assert_eq!(stranger().by(&silent), unheard);
    assert_eq!(stranger().by(&rules(Strangers::Ring)), rings());
    // Nor does a microphone open for who is not heard.
    let answers = Reception {
        auto_answer: Some(AutoAnswer {
            after: SECONDS(0),
            beep: true,
        }),
        intercom: Intercom::Always,
        ..rules(Strangers::Silent)
    };
    let asks = Case {
        asks_for_answer: Some(SECONDS(0)),
        ..stranger()
    };
    assert_eq!(answered_after(&asks.by(&answers)), None);
    assert_eq!(
        answered_after(&Case::default().by(&answers)),
        Some((0, true))
    );
}

fn answered_after(verdict: &Verdict) -> Option<(u64, bool)> {
    match verdict {
        Verdict::Ring(ringing) => ringing.answer.map(|it| (it.after.as_secs(), it.beep)),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_call_is_answered_by_itself_but_never_into_another() {
    let rules = Reception {
        auto_answer: Some(AutoAnswer {
            after: SECONDS(3),
            beep: false,
        }),
        ..Reception::default()
    };
    assert_eq!(
        answered_after(&Case::default().by(&rules)),
        Some((3, false))
    );
    let busy = Case {
        busy: true,
        ..Case::default()
    };
    assert_eq!(answered_after(&busy.by(&rules)), None);
}

#[test]
fn an_intercom_call_is_taken_only_as_far_as_the_account_allows() {
    let rules = |intercom| Reception {
        known: vec!["1005".into()],
        intercom,
        ..Reception::default()
    };
    let asks = || Case {
        asks_for_answer: Some(SECONDS(1)),
        ..Case::default()
    };
    let outside = || Case {
        from_server: false,
        ..asks()
    };
    let stranger = || Case {
        caller: Some(uri("sip:4000@pbx.example")),
        ..asks()
    };
    let allowed = |case: Case, intercom| answered_after(&case.by(&rules(intercom)));
    for case in [asks(), outside(), stranger()] {
        assert_eq!(allowed(case, Intercom::Never), None);
    }
    assert_eq!(allowed(asks(), Intercom::Known), Some((1, true)));
    assert_eq!(allowed(outside(), Intercom::Known), None);
    assert_eq!(allowed(stranger(), Intercom::Known), None);
    assert_eq!(allowed(stranger(), Intercom::Always), Some((1, true)));
    assert_eq!(allowed(outside(), Intercom::Always), Some((1, true)));
    let busy = Case {
        busy: true,
        ..asks()
    };
    assert_eq!(allowed(busy, Intercom::Always), None);
    assert_eq!(Reception::default().intercom, Intercom::Never);
}

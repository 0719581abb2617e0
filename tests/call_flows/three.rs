//! Three people and a server, who do whatever comes to their mind, over a thousand seeds and in
//! all weathers: each phone says only what can be, and in the end nothing is left of anything.

use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use ramal::agent::{AgentConfig, CallId, Command, Event, TransferProgress};
use ramal::sip::StatusCode;

use super::sim::model::{Model, agree};
use super::sim::story::{
    ACCOUNT, ANA, BIA, add, assert_forgotten, extension, house, is_registered, lose, secs,
};
use super::sim::{Weather, World};

const CEU: &str = "10.0.0.3:5060";
/// Longer than anything that is under way takes to come through or to be given up.
const QUIET: Duration = Duration::from_secs(45);

/// Three phones, and what is known of their calls.
struct Three {
    world: World,
    models: Vec<Model>,
    rng: ChaCha8Rng,
    /// The next name for a call of ours.
    next: u64,
}

impl Three {
    fn new(seed: u64) -> Three {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut world = house(10_000 + seed);
        // Now and then sessions so short that they are refreshed while all this goes on.
        let session_interval = [Some(secs(90)), Some(secs(1_800)), None][seed as usize % 3];
        for (at, user) in [(ANA, "1001"), (BIA, "1002"), (CEU, "1003")] {
            let config = AgentConfig {
                session_interval,
                ..AgentConfig::default()
            };
            let phone = world.phone(at, config);
            add(&mut world, phone, extension(user));
        }
        world.run(secs(1));
        assert!((0..3).all(|phone| is_registered(&world, phone)));
        world.registrars[0].calls_ask = [None, Some(407)][rng.next_u32() as usize % 2];
        Three {
            world,
            models: (0..3).map(|_| Model::default()).collect(),
            rng,
            next: 1,
        }
    }

    fn roll(&mut self, sides: usize) -> usize {
        self.rng.next_u32() as usize % sides
    }

    fn follow(&mut self) -> Result<(), String> {
        for (model, phone) in self.models.iter_mut().zip(&self.world.phones) {
            model.follow(phone)?;
        }
        Ok(())
    }

    /// Somebody does something, sensible or not.
    fn act(&mut self) -> Result<(), String> {
        let phone = self.roll(3);
        let live = self.models[phone].live();
        let any = |three: &mut Three| match live.len() {
            0 => CallId(9_999),
            count => live[three.roll(count)],
        };
        let (call, other) = (any(self), any(self));
        let target = ["1001", "1002", "1003", "1003", "1999", "0014155550100"][self.roll(6)];
        let wish = match self.roll(20) {
            0..=3 => {
                self.next += 1;
                Command::Dial {
                    account: ACCOUNT,
                    call: CallId(self.next),
                    target: target.to_owned(),
                }
            }
            4..=7 => Command::Answer(call),
            8 => Command::Reject {
                call,
                status: [StatusCode::BUSY_HERE, StatusCode::DECLINE][self.roll(2)],
            },
            9 => Command::HangUp(call),
            10 | 11 => Command::Hold(call),
            12 | 13 => Command::Resume(call),
            14 => Command::Transfer {
                call,
                target: target.to_owned(),
            },
            15 | 16 => Command::TransferTo { call, other },
            17 => Command::AcceptTransfer(call),
            18 => Command::RefuseTransfer(call),
            _ => Command::SendDtmf {
                call,
                digits: "12#".to_owned(),
            },
        };
        if let Command::RefuseTransfer(call) = wish {
            self.models[phone].answered_question(call);
        }
        self.world.ask(phone, wish);
        self.follow()
    }

    /// Lets time pass until nothing is under way any more.
    fn settle(&mut self) -> Result<(), String> {
        self.world.weather = Weather::FINE;
        self.world.run(QUIET);
        self.follow()
    }

    /// Everybody has had enough.
    fn hang_up(&mut self) -> Result<(), String> {
        for phone in 0..3 {
            for call in self.models[phone].live() {
                self.world.ask(phone, Command::HangUp(call));
            }
        }
        self.settle()?;
        match self
            .models
            .iter()
            .position(|model| !model.live().is_empty())
        {
            Some(phone) => Err(format!(
                "phone {phone} still has {:?}",
                self.models[phone].live()
            )),
            None => Ok(()),
        }
    }
}

/// One seed from its beginning to its end.
fn live(seed: u64) -> Result<Three, String> {
    let mut three = Three::new(seed);
    three.world.weather = match seed % 4 {
        0 => Weather::FINE,
        // Everything crosses everything.
        1 => Weather {
            jitter: Duration::from_millis(900),
            ..Weather::FINE
        },
        2 => Weather {
            loss: 10,
            duplicates: 20,
            jitter: Duration::from_millis(100),
            ..Weather::FINE
        },
        _ => Weather {
            loss: 25,
            duplicates: 10,
            delay: Duration::from_millis(30),
            jitter: Duration::from_millis(400),
        },
    };
    let weather = three.world.weather;
    for _ in 0..2 {
        three.world.weather = weather;
        for _ in 0..20 {
            three.act()?;
            // Now and then two do something in the same moment.
            let pause = [0, 5, 40, 400, 1_500, 3_000][three.roll(6)];
            three.world.run(Duration::from_millis(pause));
            three.follow()?;
        }
        three.settle()?;
        agree(&three.world, &three.models)?;
    }
    three.hang_up()?;
    Ok(three)
}

#[test]
fn a_thousand_seeds_of_whatever_three_people_do_end_clean() {
    let (mut talked, mut held, mut handed_over, mut replaced) = (0, 0, 0, 0);
    for seed in 0..1_000 {
        match live(seed) {
            Ok(mut three) => {
                let events = three.world.phones.iter().flat_map(|phone| &phone.events);
                for event in events {
                    talked += u32::from(matches!(event, Event::Answered { .. }));
                    held += u32::from(matches!(event, Event::Held { .. }));
                    replaced += u32::from(matches!(event, Event::Replaced { .. }));
                    handed_over += u32::from(matches!(
                        event,
                        Event::Transfer {
                            progress: TransferProgress::Succeeded,
                            ..
                        }
                    ));
                }
                assert_forgotten(&mut three.world);
            }
            Err(why) => panic!("seed {seed}: {why}"),
        }
    }
    // It was not for want of anything happening.
    let happened = (talked, held, handed_over, replaced);
    assert!(
        talked > 2_000 && held > 1_000 && handed_over > 30 && replaced > 30,
        "{happened:?}"
    );
}

#[test]
fn a_call_that_one_side_never_learns_the_end_of_is_found_out() {
    let mut three = Three::new(2); // without session timers
    let wish = Command::Dial {
        account: ACCOUNT,
        call: CallId(1),
        target: "1002".to_owned(),
    };
    three.world.ask(0, wish);
    three.world.run(secs(1));
    three.follow().expect("as it should be");
    let ringing = three.models[1].live()[0];
    three.world.ask(1, Command::Answer(ringing));
    three.settle().expect("as it should be");
    assert_eq!(agree(&three.world, &three.models), Ok(()));
    // The leak is planted: nobody ever hears that the call is over.
    lose(&mut three.world, "BYE ", 1_000);
    three.world.ask(0, Command::HangUp(CallId(1)));
    three.settle().expect("as it should be");
    let found = agree(&three.world, &three.models).expect_err("one talks alone");
    assert!(found.contains("to nobody"), "{found}");
}

//! Rules for calls that come in, from the arguments of `ramal answer`.

use super::args::{IntercomArg, ReceptionArgs, StrangersArg, Undisturbed};
use super::setup::Misuse;
use crate::agent::{AccountConfig, DoNotDisturb, Forward, Intercom, Strangers, dial};
use crate::sip::{StatusCode, Uri};

impl ReceptionArgs {
    /// Whether something is to happen to a call that rings, without anybody answering it.
    pub(super) fn waits(&self) -> bool {
        self.forward_no_answer.is_some() || self.intercom != IntercomArg::Never
    }
}

/// Adds the rules to those of the account.
pub(super) fn apply(args: &ReceptionArgs, account: &mut AccountConfig) -> Result<(), Misuse> {
    let home = account.aor.as_ref().and_then(Uri::as_sip);
    let home = home.map(|aor| aor.host_port.clone());
    let forward = |target: &str| -> Result<Option<Forward>, Misuse> {
        let to = dial::target(target, home.as_ref());
        let to = to.map_err(|_| Misuse::about("cli-not-dialable", target))?;
        Ok(Some(Forward { to, when: None }))
    };
    let rules = &mut account.reception;
    if let Some(Undisturbed(status)) = args.dnd {
        rules.do_not_disturb = Some(DoNotDisturb { status, when: None });
    }
    if let Some(target) = &args.forward_always {
        rules.forward_always = forward(target)?;
    }
    if let Some(target) = &args.forward_busy {
        rules.forward_busy = forward(target)?;
    }
    if let Some(after) = &args.forward_no_answer {
        rules.forward_no_answer = forward(&after.uri)?.map(|it| (it, after.at));
    }
    rules.known.extend(args.known.iter().cloned());
    rules.intercom = match args.intercom {
        IntercomArg::Never => rules.intercom,
        IntercomArg::Known => Intercom::Known,
        IntercomArg::Always => Intercom::Always,
    };
    rules.strangers = match args.strangers {
        StrangersArg::Ring => rules.strangers,
        StrangersArg::Silent => Strangers::Silent,
        StrangersArg::Decline => Strangers::Decline(StatusCode::TEMPORARILY_UNAVAILABLE),
    };
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::super::args::{Cli, Command};
    use super::*;
    use crate::agent::{AccountId, Reception};

    fn rules(words: &[&str]) -> Option<Reception> {
        let line = ["ramal", "answer"].into_iter().chain(words.iter().copied());
        let Some(Command::Answer(args)) = Cli::try_parse_from(line).ok()?.command else {
            return None;
        };
        let aor = "sip:1001@pbx.example".parse().ok()?;
        let mut account = AccountConfig::registered(AccountId(1), aor, None);
        apply(&args.reception, &mut account).ok()?;
        Some(account.reception)
    }

    #[test]
    fn each_rule_has_its_argument() {
        assert_eq!(rules(&[]), Some(Reception::default()));
        let dnd = |words: &[&str]| rules(words)?.do_not_disturb.map(|it| it.status.code());
        assert_eq!(dnd(&["--dnd"]), Some(480));
        assert_eq!(dnd(&["--dnd", "486"]), Some(486));
        assert_eq!(rules(&["--dnd", "481"]), None);
        let always = rules(&["--forward-always", "1002"]).and_then(|it| it.forward_always);
        let always = always.map(|it| it.to.to_string());
        assert_eq!(always.as_deref(), Some("sip:1002@pbx.example"));
        let unanswered = rules(&["--forward-no-answer", "sip:1002@other.example@5"]);
        let (to, after) = unanswered.and_then(|it| it.forward_no_answer).unwrap();
        assert_eq!(to.to.to_string(), "sip:1002@other.example");
        assert_eq!(after.as_secs(), 5);
        assert_eq!(rules(&["--forward-busy", "two words"]), None);
        let listed = rules(&["--intercom", "known", "--known", "1005,1006"]).unwrap();
        assert_eq!(listed.intercom, Intercom::Known);
        assert_eq!(listed.known, ["1005", "1006"]);
    }
}

//! What the lab says: short recordings in Portuguese, 16 kHz, 16-bit, mono.

/// One recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Prompt {
    /// Of `601`: what this is.
    Welcome,
    /// Of `602`: what to press.
    Menu,
    /// Of `602`: the chosen department answers.
    Sales,
    /// Of `602`.
    Support,
    /// Of `602`: there is no such choice.
    Unknown,
    /// Of `607`.
    WillCallBack,
    /// Of `607`, calling back.
    CallingBack,
    /// Of `608`.
    HangingUp,
}

impl Prompt {
    /// The recording as a WAV file.
    #[must_use]
    pub const fn wav(self) -> &'static [u8] {
        match self {
            Prompt::Welcome => include_bytes!("../../assets/prompts/welcome.wav"),
            Prompt::Menu => include_bytes!("../../assets/prompts/menu.wav"),
            Prompt::Sales => include_bytes!("../../assets/prompts/sales.wav"),
            Prompt::Support => include_bytes!("../../assets/prompts/support.wav"),
            Prompt::Unknown => include_bytes!("../../assets/prompts/unknown.wav"),
            Prompt::WillCallBack => include_bytes!("../../assets/prompts/will-call-back.wav"),
            Prompt::CallingBack => include_bytes!("../../assets/prompts/calling-back.wav"),
            Prompt::HangingUp => include_bytes!("../../assets/prompts/hanging-up.wav"),
        }
    }

    /// The recording as samples of 16 kHz in −1..=1.
    #[must_use]
    pub fn samples(self) -> Vec<f32> {
        let reader = hound::WavReader::new(self.wav());
        let samples = reader
            .into_iter()
            .flat_map(hound::WavReader::into_samples::<i16>);
        samples
            .filter_map(Result::ok)
            .map(|sample| f32::from(sample) / 32_768.0)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_prompt_is_half_a_second_of_sound_or_more() {
        for prompt in [
            Prompt::Welcome,
            Prompt::Menu,
            Prompt::Sales,
            Prompt::Support,
            Prompt::Unknown,
            Prompt::WillCallBack,
            Prompt::CallingBack,
            Prompt::HangingUp,
        ] {
            let samples = prompt.samples();
            assert!(samples.len() > 8_000, "{prompt:?} has {}", samples.len());
            let loudest = samples
                .iter()
                .fold(0.0_f32, |most, sample| most.max(sample.abs()));
            assert!(
                (0.1..=1.0).contains(&loudest),
                "{prompt:?} peaks at {loudest}"
            );
        }
    }
}

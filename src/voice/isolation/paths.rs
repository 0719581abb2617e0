//! Memory along frequency and along time, one after the other.

use super::layers::{CHANNELS, Dense, Gru, HALF, NARROW};
use super::weights::Weights;

/// A spectrum seen as frequencies of channels, not as channels of frequencies.
type Turned = [f32; NARROW * CHANNELS];

/// What brings a spectrum to mean nought and power one, and adds it to what was.
struct Even {
    weights: Box<[f32]>,
    bias: Box<[f32]>,
}

impl Even {
    fn new(weights: &mut Weights) -> Even {
        Even {
            weights: weights.take(NARROW * CHANNELS),
            bias: weights.take(NARROW * CHANNELS),
        }
    }

    fn add(&self, from: &Turned, to: &mut Turned) {
        let count = from.len() as f32;
        let mean = from.iter().sum::<f32>() / count;
        let power = from.iter().map(|x| (x - mean) * (x - mean)).sum::<f32>() / count;
        let scale = 1.0 / (power + 1e-8).sqrt();
        for (n, out) in to.iter_mut().enumerate() {
            *out += (from[n] - mean) * scale * self.weights[n] + self.bias[n];
        }
    }
}

/// First up and down the frequencies, then on from the last step, in two groups of channels.
pub(super) struct Paths {
    /// Two groups, each upwards and downwards.
    within: [[Gru; 2]; 2],
    within_dense: Dense,
    within_even: Even,
    between: [Gru; 2],
    between_dense: Dense,
    between_even: Even,
    /// What each frequency remembers of the last step.
    remembered: Box<Turned>,
    said: Box<Turned>,
    mixed: Box<Turned>,
    turned: Box<Turned>,
}

impl Paths {
    pub(super) fn new(weights: &mut Weights) -> Paths {
        let zero = || Box::new([0.0; NARROW * CHANNELS]);
        let within =
            std::array::from_fn(|_| std::array::from_fn(|_| Gru::new(weights, HALF, HALF / 2)));
        let within_dense = Dense::new(weights, CHANNELS, CHANNELS);
        let within_even = Even::new(weights);
        let between = std::array::from_fn(|_| Gru::new(weights, HALF, HALF));
        Paths {
            within,
            within_dense,
            within_even,
            between,
            between_dense: Dense::new(weights, CHANNELS, CHANNELS),
            between_even: Even::new(weights),
            remembered: zero(),
            said: zero(),
            mixed: zero(),
            turned: zero(),
        }
    }

    pub(super) fn forget(&mut self) {
        self.remembered.fill(0.0);
    }

    pub(super) fn apply(&mut self, planes: &mut [f32; CHANNELS * NARROW]) {
        for (f, channels) in self.turned.chunks_exact_mut(CHANNELS).enumerate() {
            for (channel, value) in channels.iter_mut().enumerate() {
                *value = planes[channel * NARROW + f];
            }
        }
        for (group, ways) in self.within.iter().enumerate() {
            let (mut up, mut down) = ([0.0; HALF / 2], [0.0; HALF / 2]);
            for step in 0..NARROW {
                let (low, high) = (step * CHANNELS, (NARROW - 1 - step) * CHANNELS);
                let place = group * HALF;
                ways[0].step(&self.turned[low + place..][..HALF], &mut up);
                ways[1].step(&self.turned[high + place..][..HALF], &mut down);
                self.said[low + place..][..HALF / 2].copy_from_slice(&up);
                self.said[high + place + HALF / 2..][..HALF / 2].copy_from_slice(&down);
            }
        }
        each(&self.within_dense, &self.said, &mut self.mixed);
        self.within_even.add(&self.mixed, &mut self.turned);
        for f in 0..NARROW {
            for (group, unit) in self.between.iter().enumerate() {
                let place = f * CHANNELS + group * HALF;
                unit.step(
                    &self.turned[place..][..HALF],
                    &mut self.remembered[place..][..HALF],
                );
            }
        }
        each(&self.between_dense, &self.remembered, &mut self.mixed);
        self.between_even.add(&self.mixed, &mut self.turned);
        for (f, channels) in self.turned.chunks_exact(CHANNELS).enumerate() {
            for (channel, value) in channels.iter().enumerate() {
                planes[channel * NARROW + f] = *value;
            }
        }
    }
}

/// Every frequency through the same layer.
fn each(layer: &Dense, from: &Turned, to: &mut Turned) {
    let frequencies = from.chunks_exact(CHANNELS);
    for (from, to) in frequencies.zip(to.chunks_exact_mut(CHANNELS)) {
        layer.apply(from, to);
    }
}

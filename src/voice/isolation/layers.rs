//! What the network is built of. Planes are rows of frequencies, one row a channel.

use super::weights::Weights;

/// Channels inside the network.
pub(super) const CHANNELS: usize = 16;

/// Half of them: what the middle blocks work on.
pub(super) const HALF: usize = CHANNELS / 2;

/// Frequencies in the middle of the network.
pub(super) const NARROW: usize = 33;

/// Frequencies of the widest planes.
const MOST: usize = 129;

/// Five neighbours in frequency, in groups of channels.
pub(super) struct Across {
    weights: Box<[f32]>,
    bias: Box<[f32]>,
    slope: f32,
    inputs: usize,
    groups: usize,
}

impl Across {
    /// `inputs` and `outputs` are channels. `bends`: a slope for what is negative follows.
    pub(super) fn new(
        weights: &mut Weights,
        inputs: usize,
        outputs: usize,
        groups: usize,
        bends: bool,
    ) -> Across {
        Across {
            weights: weights.take(outputs * inputs / groups * 5),
            bias: weights.take(outputs),
            slope: if bends { weights.one() } else { 1.0 },
            inputs,
            groups,
        }
    }

    /// From `wide` frequencies to every second of them.
    pub(super) fn halve(&self, from: &[f32], wide: usize, to: &mut [f32]) {
        let mut padded = [0.0; MOST + 4];
        self.each(from, wide, to, wide.div_ceil(2), |taps, line, row| {
            padded[2..2 + wide].copy_from_slice(line);
            let around = padded[..wide + 4].windows(5).step_by(2);
            for (sum, around) in row.iter_mut().zip(around) {
                *sum += dot(around, taps);
            }
        });
    }

    /// From `narrow` frequencies to twice as many, less one.
    pub(super) fn double(&self, from: &[f32], narrow: usize, to: &mut [f32]) {
        let mut padded = [0.0; MOST + 4];
        self.each(from, narrow, to, 2 * narrow - 1, |taps, line, row| {
            padded[1..=narrow].copy_from_slice(line);
            let around = padded[..narrow + 2].windows(3);
            for (sums, around) in row.chunks_mut(2).zip(around) {
                sums[0] += taps[4] * around[0] + taps[2] * around[1] + taps[0] * around[2];
                if let Some(odd) = sums.get_mut(1) {
                    *odd += taps[3] * around[1] + taps[1] * around[2];
                }
            }
        });
    }

    /// Adds to each row of `to` what `add` makes of five taps and each row of its group.
    fn each(
        &self,
        from: &[f32],
        width: usize,
        to: &mut [f32],
        to_width: usize,
        mut add: impl FnMut(&[f32; 5], &[f32], &mut [f32]),
    ) {
        let (per_group, outputs) = (self.inputs / self.groups, self.bias.len());
        let (taps, _) = self.weights.as_chunks::<5>();
        let rows = to
            .chunks_exact_mut(to_width)
            .zip(taps.chunks_exact(per_group));
        for (output, (row, taps)) in rows.enumerate() {
            row.fill(self.bias[output]);
            let first = output * self.groups / outputs * per_group;
            for (taps, line) in taps.iter().zip(from.chunks_exact(width).skip(first)) {
                add(taps, line, row);
            }
            bend(row, self.slope);
        }
    }
}

fn bend(row: &mut [f32], slope: f32) {
    for value in row {
        if *value < 0.0 {
            *value *= slope;
        }
    }
}

/// Each frequency by itself, all channels to all.
pub(super) struct Dense {
    weights: Box<[f32]>,
    bias: Box<[f32]>,
}

impl Dense {
    pub(super) fn new(weights: &mut Weights, inputs: usize, outputs: usize) -> Dense {
        Dense {
            weights: weights.take(outputs * inputs),
            bias: weights.take(outputs),
        }
    }

    pub(super) fn apply(&self, from: &[f32], to: &mut [f32]) {
        let rows = self.weights.chunks_exact(from.len());
        for ((out, row), bias) in to.iter_mut().zip(rows).zip(&self.bias) {
            *out = bias + dot(row, from);
        }
    }

    /// The same, for planes of [`NARROW`] frequencies.
    pub(super) fn apply_planes(&self, from: &[f32], to: &mut [f32]) {
        let inputs = from.len() / NARROW;
        for (output, plane) in to.chunks_exact_mut(NARROW).enumerate() {
            plane.fill(self.bias[output]);
            let row = &self.weights[output * inputs..][..inputs];
            for (weight, line) in row.iter().zip(from.chunks_exact(NARROW)) {
                for (out, sample) in plane.iter_mut().zip(line) {
                    *out += weight * sample;
                }
            }
        }
    }
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + (-x).exp())
}

/// As exact as it has to be, and three times as fast as the one of the library.
pub(super) fn tanh(x: f32) -> f32 {
    1.0 - 2.0 / (1.0 + (2.0 * x).exp())
}

/// A gated recurrent unit (Cho et al., 2014), the reset after the product.
pub(super) struct Gru {
    input: Box<[f32]>,
    memory: Box<[f32]>,
    bias: Box<[f32]>,
    inputs: usize,
    size: usize,
}

impl Gru {
    pub(super) fn new(weights: &mut Weights, inputs: usize, size: usize) -> Gru {
        Gru {
            input: weights.take(3 * size * inputs),
            memory: weights.take(3 * size * size),
            bias: weights.take(6 * size),
            inputs,
            size,
        }
    }

    /// One step; `state` is what it remembers and what it says.
    pub(super) fn step(&self, input: &[f32], state: &mut [f32]) {
        let size = self.size;
        let mut next = [0.0; CHANNELS];
        for unit in 0..size {
            let gate = |number: usize| {
                let row = number * size + unit;
                let new =
                    self.bias[row] + dot(&self.input[row * self.inputs..][..self.inputs], input);
                let old =
                    self.bias[3 * size + row] + dot(&self.memory[row * size..][..size], state);
                (new, old)
            };
            let (keep, reset, fresh) = (gate(0), gate(1), gate(2));
            let keep = sigmoid(keep.0 + keep.1);
            let reset = sigmoid(reset.0 + reset.1);
            next[unit] = (1.0 - keep) * tanh(fresh.0 + reset * fresh.1) + keep * state[unit];
        }
        state.copy_from_slice(&next[..size]);
    }
}

/// Half of the channels through neighbours in frequency and in time, weighed by how loud they
/// are, and shuffled with the other half.
pub(super) struct Middle {
    gather: Dense,
    gather_slope: f32,
    depth: Box<[f32]>,
    depth_bias: Box<[f32]>,
    depth_slope: f32,
    scatter: Dense,
    loud: Gru,
    weigh: Dense,
    /// Steps from one row of taps to the next in time.
    dilation: usize,
    /// Planes of the last steps, a ring of twice the dilation.
    past: Box<[f32]>,
    at: usize,
    remembered: [f32; CHANNELS],
    wide: Box<[f32; 3 * HALF * NARROW]>,
    plane: Box<[f32; CHANNELS * NARROW]>,
    deep: Box<[f32; CHANNELS * NARROW]>,
}

impl Middle {
    pub(super) fn new(weights: &mut Weights, dilation: usize) -> Middle {
        Middle {
            gather: Dense::new(weights, 3 * HALF, CHANNELS),
            gather_slope: weights.one(),
            depth: weights.take(CHANNELS * 9),
            depth_bias: weights.take(CHANNELS),
            depth_slope: weights.one(),
            scatter: Dense::new(weights, CHANNELS, HALF),
            loud: Gru::new(weights, HALF, CHANNELS),
            weigh: Dense::new(weights, CHANNELS, HALF),
            dilation,
            past: vec![0.0; 2 * dilation * CHANNELS * NARROW].into(),
            at: 0,
            remembered: [0.0; CHANNELS],
            wide: Box::new([0.0; 3 * HALF * NARROW]),
            plane: Box::new([0.0; CHANNELS * NARROW]),
            deep: Box::new([0.0; CHANNELS * NARROW]),
        }
    }

    pub(super) fn forget(&mut self) {
        self.past.fill(0.0);
        self.remembered.fill(0.0);
    }

    pub(super) fn apply(&mut self, planes: &mut [f32; CHANNELS * NARROW]) {
        beside(&planes[..HALF * NARROW], NARROW, self.wide.as_mut_slice());
        self.gather
            .apply_planes(self.wide.as_slice(), self.plane.as_mut_slice());
        bend(self.plane.as_mut_slice(), self.gather_slope);
        self.deepen();
        let half = &mut self.plane[..HALF * NARROW];
        self.scatter.apply_planes(self.deep.as_slice(), half);
        let mut loud = [0.0; HALF];
        for (loud, plane) in loud.iter_mut().zip(half.chunks_exact(NARROW)) {
            *loud = dot(plane, plane) / NARROW as f32;
        }
        self.loud.step(&loud, &mut self.remembered);
        self.weigh.apply(&self.remembered, &mut loud);
        // Worked on and left alone by turns.
        for channel in 0..HALF {
            let weight = sigmoid(loud[channel]);
            for f in 0..NARROW {
                planes[(2 * channel + 1) * NARROW + f] = planes[(HALF + channel) * NARROW + f];
                self.deep[channel * NARROW + f] = weight * self.plane[channel * NARROW + f];
            }
        }
        for channel in 0..HALF {
            planes[2 * channel * NARROW..][..NARROW]
                .copy_from_slice(&self.deep[channel * NARROW..][..NARROW]);
        }
    }

    /// Three rows of time by three of frequency, each channel by itself.
    fn deepen(&mut self) {
        let size = CHANNELS * NARROW;
        let rows = 2 * self.dilation;
        let oldest = self.at * size;
        let middle = (self.at + self.dilation) % rows * size;
        for channel in 0..CHANNELS {
            let out = &mut self.deep[channel * NARROW..][..NARROW];
            out.fill(self.depth_bias[channel]);
            let place = channel * NARROW;
            let lines = [
                &self.past[oldest + place..][..NARROW],
                &self.past[middle + place..][..NARROW],
                &self.plane[place..][..NARROW],
            ];
            for (line, taps) in lines.iter().zip(self.depth[channel * 9..].chunks_exact(3)) {
                for f in 0..NARROW {
                    let below = if f > 0 { line[f - 1] } else { 0.0 };
                    let above = if f + 1 < NARROW { line[f + 1] } else { 0.0 };
                    out[f] += taps[0] * below + taps[1] * line[f] + taps[2] * above;
                }
            }
        }
        bend(self.deep.as_mut_slice(), self.depth_slope);
        self.past[oldest..][..size].copy_from_slice(self.plane.as_slice());
        self.at = (self.at + 1) % rows;
    }
}

/// Each channel with its neighbours below and above in frequency: three for one.
pub(super) fn beside(from: &[f32], width: usize, to: &mut [f32]) {
    for (line, out) in from.chunks_exact(width).zip(to.chunks_exact_mut(3 * width)) {
        let (below, rest) = out.split_at_mut(width);
        let (same, above) = rest.split_at_mut(width);
        below[0] = 0.0;
        below[1..].copy_from_slice(&line[..width - 1]);
        same.copy_from_slice(line);
        above[..width - 1].copy_from_slice(&line[1..]);
        above[width - 1] = 0.0;
    }
}

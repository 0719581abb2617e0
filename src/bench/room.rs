//! A room with a loudspeaker and a microphone in it, computed.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// Samples a second of what is computed here.
const RATE: f64 = 48_000.0;

/// Metres a second.
const SOUND: f64 = 343.0;

/// A box of walls after Allen and Berkley, "Image method for efficiently simulating small-room
/// acoustics" (1979): each wall is a mirror that dims.
///
/// Its size, its walls and what stands where are drawn from `seed`: 2.5 to 5 m each way, sound
/// that dies by 60 dB in `dies_in_secs`, loudspeaker and microphone 30 to 60 cm apart. The first
/// sound comes 1 to 2 ms late, and the whole has an energy of 1.
#[must_use]
pub fn response(seed: u64, dies_in_secs: f64) -> Vec<f32> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut between =
        |low: f64, high: f64| low + (high - low) * f64::from(rng.next_u32()) / f64::from(u32::MAX);
    let size = [between(3.0, 5.0), between(2.5, 4.5), between(2.4, 3.0)];
    let speaker = [
        between(0.8, size[0] - 0.8),
        between(0.8, size[1] - 0.8),
        between(0.7, 1.1),
    ];
    let apart = between(0.3, 0.6);
    let turned = between(0.0, std::f64::consts::TAU);
    let microphone = [
        speaker[0] + apart * turned.cos(),
        speaker[1] + apart * turned.sin(),
        speaker[2] + between(0.0, 0.2),
    ];
    // Eyring's formula, solved for what a wall gives back of an amplitude.
    let volume = size[0] * size[1] * size[2];
    let surface = 2.0 * (size[0] * size[1] + size[0] * size[2] + size[1] * size[2]);
    let back = (-0.161 * volume / (surface * dies_in_secs) / 2.0).exp();
    let length = (dies_in_secs * RATE) as usize;
    let mut response = vec![0.0_f64; length];
    let reach = (dies_in_secs * SOUND / 2.4 / 2.0).ceil() as i32;
    let images = |axis: usize, n: i32| {
        // Even ones are shifted, odd ones mirrored.
        if n % 2 == 0 {
            f64::from(n) * size[axis] + speaker[axis]
        } else {
            f64::from(n + 1) * size[axis] - speaker[axis]
        }
    };
    for x in -reach..=reach {
        for y in -reach..=reach {
            for z in -reach..=reach {
                let d = [
                    images(0, x) - microphone[0],
                    images(1, y) - microphone[1],
                    images(2, z) - microphone[2],
                ];
                let distance = (d[0] * d[0] + d[1] * d[1] + d[2] * d[2]).sqrt();
                let at = distance / SOUND * RATE;
                let bounces = x.abs() + y.abs() + z.abs();
                let loud = back.powi(bounces) / distance.max(0.1);
                if at + 9.0 < length as f64 && at > 9.0 {
                    add_between_samples(&mut response, at, loud);
                }
            }
        }
    }
    let energy: f64 = response.iter().map(|s| s * s).sum();
    response
        .iter()
        .map(|s| (s / energy.sqrt()) as f32)
        .collect()
}

/// A click that lies between samples: eight of a windowed sinc on either side.
fn add_between_samples(response: &mut [f64], at: f64, loud: f64) {
    let middle = at.floor() as usize;
    let near = response.iter_mut().enumerate().skip(middle - 7).take(16);
    for (n, sample) in near {
        let x = n as f64 - at;
        let arc = std::f64::consts::PI * x;
        let sinc = if x.abs() < 1e-9 { 1.0 } else { arc.sin() / arc };
        let window = 0.5 + 0.5 * (arc / 8.5).cos();
        *sample += loud * sinc * window;
    }
}

//! A frame made a little longer or shorter, where two clocks do not agree.

/// Samples that a frame of 10 ms at 48 kHz may gain or lose: 0.4 % of pitch, which nobody hears.
pub const MOST: usize = 2;

/// Writes `frame` into the first samples of `out`, by so many samples longer (`change` above
/// zero) or shorter, and answers how many they are. Straight lines between samples; a frame that
/// is not changed passes to the bit.
pub fn stretch(frame: &[f32], change: i32, out: &mut [f32]) -> usize {
    let change = change.clamp(-(MOST as i32), MOST as i32);
    let length = frame
        .len()
        .saturating_add_signed(change as isize)
        .min(out.len());
    if length == frame.len() {
        out[..length].copy_from_slice(frame);
        return length;
    }
    if frame.len() < 2 || length < 2 {
        return 0;
    }
    // The first and the last sample stay the first and the last: no step at the joints.
    let step = (frame.len() - 1) as f32 / (length - 1) as f32;
    for (n, sample) in out[..length].iter_mut().enumerate() {
        let at = n as f32 * step;
        let before = (at as usize).min(frame.len() - 2);
        let part = at - before as f32;
        *sample = frame[before] * (1.0 - part) + frame[before + 1] * part;
    }
    length
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unchanged_frame_passes_to_the_bit_and_a_changed_one_keeps_its_ends() {
        let frame: Vec<f32> = (0..480_u16).map(|n| f32::from(n) / 480.0).collect();
        let mut out = [0.0; 482];
        assert_eq!(stretch(&frame, 0, &mut out), 480);
        assert_eq!(out[..480], frame);
        for (change, length) in [(1, 481), (2, 482), (9, 482), (-1, 479), (-2, 478)] {
            assert_eq!(stretch(&frame, change, &mut out), length);
            assert_eq!(out[0].to_bits(), frame[0].to_bits());
            assert!((out[length - 1] - frame[479]).abs() < 1e-5);
            let rising = out[..length].windows(2).all(|pair| pair[1] > pair[0]);
            assert!(rising, "{change}");
        }
    }
}

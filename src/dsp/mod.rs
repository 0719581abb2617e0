//! Sound on samples: resampling, levels, tones.

//! Where sound comes from and goes to: devices, WAV files, silence.

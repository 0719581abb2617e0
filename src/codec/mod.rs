//! Speech codecs behind two enums, an encoder and a decoder.

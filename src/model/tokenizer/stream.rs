//! Tokens to text while they arrive: a character may be spread over several tokens, and nothing is
//! shown before it is whole.

use super::Tokenizer;
use super::sentence_piece::Space;

/// Collects tokens and gives back the text that is complete. Special tokens are left out. All that it
/// gives, joined, is what [`Tokenizer::decode`] gives for the same ids.
#[derive(Debug, Clone)]
pub struct TextStream {
    bytes: Utf8Stream,
    /// Whether a space at the very start belongs to the tokenizer and not to the text.
    drop_space: bool,
}

impl TextStream {
    pub(super) fn new(tokenizer: &Tokenizer) -> Self {
        Self { bytes: Utf8Stream::default(), drop_space: tokenizer.space != Space::Never }
    }

    /// Adds a token of the same tokenizer; gives the text that became complete, which may be empty.
    pub fn push(&mut self, tokenizer: &Tokenizer, id: u32) -> String {
        if tokenizer.is_special(id) {
            return String::new();
        }
        let bytes = tokenizer.bytes_of(id);
        let mut bytes = bytes.as_slice();
        if !bytes.is_empty() && std::mem::take(&mut self.drop_space) {
            bytes = bytes.strip_prefix(b" ").unwrap_or(bytes);
        }
        self.bytes.push(bytes)
    }

    /// Ends the stream: what is left of an unfinished character becomes U+FFFD.
    pub fn finish(self) -> String {
        self.bytes.finish()
    }
}

/// Bytes in, whole characters out, as [`String::from_utf8_lossy`] would give them.
#[derive(Debug, Clone, Default)]
struct Utf8Stream {
    /// The beginning of a character that is not yet whole: at most three bytes.
    pending: Vec<u8>,
}

impl Utf8Stream {
    fn push(&mut self, bytes: &[u8]) -> String {
        self.pending.extend_from_slice(bytes);
        let mut text = String::new();
        let mut kept = 0;
        let mut chunks = self.pending.utf8_chunks().peekable();
        while let Some(chunk) = chunks.next() {
            text.push_str(chunk.valid());
            let invalid = chunk.invalid();
            if invalid.is_empty() {
                continue;
            }
            // Only what stands at the very end can be a character that is still to be completed.
            let unfinished =
                str::from_utf8(invalid).is_err_and(|error| error.error_len().is_none());
            if unfinished && chunks.peek().is_none() {
                kept = invalid.len();
            } else {
                text.push(char::REPLACEMENT_CHARACTER);
            }
        }
        self.pending.drain(..self.pending.len() - kept);
        text
    }

    fn finish(self) -> String {
        String::from_utf8_lossy(&self.pending).into_owned()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    fn stream(parts: &[&[u8]]) -> String {
        let mut stream = Utf8Stream::default();
        let mut text: String = parts.iter().map(|part| stream.push(part)).collect();
        text.push_str(&stream.finish());
        text
    }

    #[test]
    fn a_character_in_pieces_appears_once_it_is_whole() {
        let mut stream = Utf8Stream::default();
        assert_eq!(stream.push(b"a\xf0\x9f"), "a");
        assert_eq!(stream.push(b"\x8d"), "");
        assert_eq!(stream.push(b"\x95b"), "🍕b");
        assert_eq!(stream.finish(), "");
    }

    #[test]
    fn invalid_bytes_become_one_mark_and_do_not_swallow_what_follows() {
        assert_eq!(stream(&[b"\xf0\x9f", b"x"]), "\u{fffd}x");
        assert_eq!(stream(&[b"\xff", b"\xc3", b"\xa9"]), "\u{fffd}é");
        assert_eq!(stream(&[b"\xe2\x82"]), "\u{fffd}");
    }

    proptest! {
        #[test]
        fn however_bytes_are_cut_the_text_is_the_same(
            bytes in proptest::collection::vec(prop_oneof![any::<u8>(), Just(0xf0), Just(0x9f), Just(0x8d), Just(0x95), Just(b'a')], 0..40),
            cuts in proptest::collection::vec(1usize..5, 0..40),
        ) {
            let mut parts = Vec::new();
            let mut rest = bytes.as_slice();
            for cut in cuts {
                let (part, after) = rest.split_at(cut.min(rest.len()));
                parts.push(part);
                rest = after;
            }
            parts.push(rest);
            prop_assert_eq!(stream(&parts), String::from_utf8_lossy(&bytes));
        }
    }
}

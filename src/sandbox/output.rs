//! Keeps the beginning and the end of what a command prints, however much that is.

use std::collections::VecDeque;

/// Takes bytes as they come; its memory stays below twice the limit.
#[derive(Debug)]
pub struct Output {
    first: Vec<u8>,
    last: VecDeque<u8>,
    /// Most bytes of `first` and of `last`.
    room: (usize, usize),
    left_out: u64,
}

impl Output {
    /// Keeps `limit` bytes, a half of each end.
    pub fn new(limit: usize) -> Self {
        let room = (limit - limit / 2, limit / 2);
        Self { first: Vec::new(), last: VecDeque::new(), room, left_out: 0 }
    }

    pub fn push(&mut self, bytes: &[u8]) {
        let (first, rest) = bytes.split_at(bytes.len().min(self.room.0 - self.first.len()));
        self.first.extend_from_slice(first);
        self.last.extend(rest);
        let excess = self.last.len().saturating_sub(self.room.1);
        self.last.drain(..excess);
        self.left_out += excess as u64;
    }

    /// What was kept, as text, with a note where something is missing.
    pub fn text(mut self) -> String {
        if self.left_out == 0 {
            self.first.extend(self.last);
            return String::from_utf8_lossy(&self.first).into_owned();
        }
        let last = self.last.make_contiguous();
        let first = &self.first[..whole_characters(&self.first)];
        // A character that began before the cut is no text any more.
        let begin = last.iter().take(3).take_while(|byte| is_continuation(**byte)).count();
        let lost = self.left_out + (self.first.len() - first.len() + begin) as u64;
        format!(
            "{}\n[… {lost} bytes left out …]\n{}",
            String::from_utf8_lossy(first),
            String::from_utf8_lossy(&last[begin..])
        )
    }
}

fn is_continuation(byte: u8) -> bool {
    byte & 0b1100_0000 == 0b1000_0000
}

/// Where `bytes` end when a character that was cut at their end is left off.
fn whole_characters(bytes: &[u8]) -> usize {
    match std::str::from_utf8(bytes) {
        Err(error) if error.error_len().is_none() => error.valid_up_to(),
        // Broken in its middle: look at the end alone.
        Err(_) => {
            let tail = bytes.len()
                - bytes.iter().rev().take(3).take_while(|b| is_continuation(**b)).count();
            let start = tail.saturating_sub(1);
            match std::str::from_utf8(&bytes[start..]) {
                Err(error) if error.error_len().is_none() => start,
                _ => bytes.len(),
            }
        }
        Ok(_) => bytes.len(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use proptest::prelude::*;

    fn kept(limit: usize, pieces: &[&[u8]]) -> String {
        let mut output = Output::new(limit);
        pieces.iter().for_each(|piece| output.push(piece));
        output.text()
    }

    #[test]
    fn what_fits_is_kept_as_it_came() {
        assert_eq!(kept(10, &[b"hello", b"", b"world"]), "helloworld");
        assert_eq!(kept(100, &[b"\xffa"]), "\u{fffd}a");
        assert_eq!(kept(0, &[]), "");
    }

    #[test]
    fn the_middle_is_left_out_with_a_note() {
        assert_eq!(kept(4, &[b"abc", b"defgh"]), "ab\n[… 4 bytes left out …]\ngh");
        assert_eq!(kept(0, &[b"abc"]), "\n[… 3 bytes left out …]\n");
        // Half a character on either side of the cut is left out with the rest.
        assert_eq!(kept(6, &["aéé…éb".as_bytes()]), "aé\n[… 5 bytes left out …]\néb");
        assert_eq!(kept(5, &["aé…éb".as_bytes()]), "aé\n[… 5 bytes left out …]\nb");
        assert_eq!(kept(4, &["a…é…b".as_bytes()]), "a\n[… 8 bytes left out …]\nb");
    }

    proptest! {
        // If this fails, a command that prints without end fills the memory, or its answer is lost.
        #[test]
        fn both_ends_are_there_and_no_more_than_the_limit(
            pieces in proptest::collection::vec(proptest::collection::vec(32u8..127, 0..40), 0..20),
            limit in 0usize..60,
        ) {
            let all: Vec<u8> = pieces.concat();
            let mut output = Output::new(limit);
            for piece in &pieces {
                output.push(piece);
                prop_assert!(output.first.len() + output.last.len() <= limit);
            }
            let text = output.text();
            let half = limit / 2;
            let all = String::from_utf8(all).unwrap();
            if all.len() <= limit {
                prop_assert_eq!(text, all);
            } else {
                prop_assert!(text.starts_with(&all[..limit - half]));
                prop_assert!(text.ends_with(&all[all.len() - half..]));
            }
        }
    }
}

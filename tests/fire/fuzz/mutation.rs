//! Sound bytes, damaged: seeded, so that what fails fails again.

use rand::RngExt;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Mutations of each kind of file: a million in full.
pub fn cases() -> usize {
    if crate::full() { 1_000_000 } else { 100_000 }
}

/// Pieces that parsers trip over.
const NASTY: [&str; 20] = [
    "\"",
    "\\",
    "\\u0000",
    "\\ud800",
    "{",
    "}",
    "[[[[[[[[[[[[[[[[",
    "null",
    "-0",
    "1e999",
    "NaN",
    "18446744073709551616",
    "-9223372036854775809",
    "\u{1b}[2J",
    "\u{feff}",
    "\u{202e}",
    "é",
    "\n",
    "=",
    "''",
];

/// `sound` with one to four things wrong.
pub fn damaged(sound: &[u8], random: &mut ChaCha8Rng) -> Vec<u8> {
    let mut bytes = sound.to_vec();
    for _ in 0..random.random_range(1..5) {
        if bytes.is_empty() {
            break;
        }
        let place = random.random_range(0..bytes.len());
        match random.random_range(0..9) {
            0 => bytes[place] ^= 1 << random.random_range(0..8),
            1 => bytes[place] = random.random_range(0..=255),
            2 => drop(bytes.remove(place)),
            3 => bytes.insert(place, random.random_range(0..128)),
            // Most is left: what is cut to a few bytes is refused at once, and teaches nothing.
            4 => bytes.truncate(place.max(bytes.len() / 2)),
            5 => {
                let end = (place + random.random_range(0..40)).min(bytes.len());
                bytes.drain(place..end);
            }
            6 => {
                let end = (place + random.random_range(0..40)).min(bytes.len());
                let again = bytes[place..end].to_vec();
                bytes.splice(place..place, again);
            }
            7 => {
                // Where a value stood there is another.
                let end = bytes[place..].iter().position(|byte| b",}\n]".contains(byte));
                let end = end.map_or(bytes.len(), |length| place + length);
                let piece = NASTY.choose(random).unwrap();
                bytes.splice(place..end, piece.bytes());
            }
            _ => {
                let piece = NASTY.choose(random).unwrap();
                bytes.splice(place..place, piece.bytes());
            }
        }
    }
    bytes
}

/// What came of many cases.
#[derive(Debug, Default)]
pub struct Tally {
    pub taken: usize,
    pub refused: usize,
}

impl Tally {
    /// Reads one case; a panic fails the test and shows the bytes.
    pub fn case(&mut self, bytes: &[u8], read: impl FnOnce(&[u8]) -> Result<(), String>) {
        match catch_unwind(AssertUnwindSafe(|| read(bytes))) {
            Ok(Ok(())) => self.taken += 1,
            Ok(Err(words)) => {
                self.refused += 1;
                assert!(!words.trim().is_empty(), "refused without a word");
            }
            Err(_) => panic!("it panicked at {:?}", String::from_utf8_lossy(bytes)),
        }
    }

    /// Both ways were gone often enough to mean something.
    pub fn means_something(&self) {
        let all = self.taken + self.refused;
        assert!(self.taken > all / 1000 && self.refused > all / 50, "{self:?}");
    }
}

//! Numbers in memory that begins on a cache line and is used again and again: a pass through a model
//! needs the same few sizes hundreds of times, and fresh memory from the system costs a page fault
//! every thousand numbers.

use std::cell::RefCell;
use std::ops::{Deref, DerefMut};

/// One cache line.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([f32; 16]);

const LINE: usize = 16;

/// `len` numbers of f32; what they are at first is left from an earlier use.
pub struct Buffer {
    lines: Vec<Line>,
    len: usize,
}

thread_local! {
    static FREE: RefCell<Vec<Vec<Line>>> = const { RefCell::new(Vec::new()) };
}

impl Buffer {
    /// A buffer whose every element the caller writes before it reads it.
    pub fn new(len: usize) -> Self {
        let wanted = len.div_ceil(LINE);
        let mut lines = FREE.with_borrow_mut(|free| take(free, wanted)).unwrap_or_default();
        lines.resize(wanted, Line([0.0; LINE]));
        Self { lines, len }
    }

    pub fn zeroed(len: usize) -> Self {
        let mut buffer = Self::new(len);
        buffer.fill(0.0);
        buffer
    }

    pub fn copy_of(values: &[f32]) -> Self {
        let mut buffer = Self::new(values.len());
        buffer.copy_from_slice(values);
        buffer
    }

    /// The same memory as 32-bit patterns, for pairs of bf16.
    #[cfg(target_arch = "x86_64")]
    pub(super) fn bits_mut(&mut self) -> &mut [u32] {
        let values: &mut [f32] = self;
        // SAFETY: f32 and u32 have one size and alignment, and every pattern is valid for both.
        unsafe { std::slice::from_raw_parts_mut(values.as_mut_ptr().cast(), values.len()) }
    }

    /// Gives the memory that waits for its next use on this thread back to the system.
    pub fn release_unused() {
        FREE.with_borrow_mut(Vec::clear);
    }
}

/// The smallest free memory that holds `wanted` lines, if it is not far too large. If there is none, the
/// largest that is too small is given up, so that what lies unused never grows with changing sizes.
fn take(free: &mut Vec<Vec<Line>>, wanted: usize) -> Option<Vec<Line>> {
    let fits = (0..free.len())
        .filter(|&i| (wanted..=2 * wanted + 64).contains(&free[i].capacity()))
        .min_by_key(|&i| free[i].capacity());
    if let Some(place) = fits {
        return Some(free.swap_remove(place));
    }
    let too_small = (0..free.len())
        .filter(|&i| free[i].capacity() < wanted)
        .max_by_key(|&i| free[i].capacity());
    if let Some(place) = too_small {
        free.swap_remove(place);
    }
    None
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let lines = std::mem::take(&mut self.lines);
        // While a thread ends its free memory may be gone already.
        let _ = FREE.try_with(|free| free.borrow_mut().push(lines));
    }
}

impl Deref for Buffer {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        // SAFETY: lines are arrays of f32 without padding, and hold at least `len` of them.
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast(), self.len) }
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [f32] {
        // SAFETY: as above; the borrow is unique.
        unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), self.len) }
    }
}

impl<'a> IntoIterator for &'a Buffer {
    type Item = &'a f32;
    type IntoIter = std::slice::Iter<'a, f32>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl std::fmt::Debug for Buffer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Buffer of {}", self.len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_used_again_begins_on_a_cache_line_and_never_piles_up() {
        Buffer::release_unused();
        let first = Buffer::zeroed(1000);
        let place = first.as_ptr() as usize;
        assert_eq!(place % 64, 0);
        drop(first);
        let again = Buffer::new(990);
        assert_eq!((again.as_ptr() as usize, again.len()), (place, 990));
        drop(again);
        for len in (1..200).map(|i| i * 1000) {
            drop(Buffer::new(len));
        }
        let held: usize = FREE.with_borrow(|free| free.iter().map(Vec::capacity).sum());
        assert!(held * LINE < 600_000, "{held} lines are kept");
        Buffer::release_unused();
    }
}

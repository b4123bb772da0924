//! Numbers in memory that begins on a cache line and is used again and again: a pass through a model
//! needs the same few sizes hundreds of times, and fresh memory from the system costs a page fault
//! every thousand numbers.

use memmap2::MmapMut;
use std::alloc::{Layout, handle_alloc_error};
use std::cell::RefCell;
use std::ops::{Deref, DerefMut};

/// Numbers in one page of the system, and bytes in a huge one.
const PAGE: usize = 1024;
#[cfg(target_os = "linux")]
const HUGE_PAGE: usize = 2 << 20;

/// `len` numbers of f32; what they are at first is left from an earlier use.
pub struct Buffer {
    memory: Memory,
    len: usize,
}

/// Whole pages straight from the system, and straight back to it: an allocator would keep blocks of
/// so many sizes for itself, torn to pieces.
struct Memory(Option<MmapMut>);

thread_local! {
    static FREE: RefCell<Vec<Memory>> = const { RefCell::new(Vec::new()) };
}

impl Memory {
    /// Room for `len` numbers, zero at first.
    fn new(len: usize) -> Self {
        let bytes = len * size_of::<f32>();
        let Ok(memory) = MmapMut::map_anon(bytes) else {
            match Layout::array::<f32>(len) {
                Ok(layout) => handle_alloc_error(layout),
                Err(_) => panic!("{len} numbers are more than a process can have"),
            }
        };
        #[cfg(target_os = "linux")]
        if bytes >= HUGE_PAGE {
            // Only a hint: where it is refused the usual pages are there.
            let _ = memory.advise(memmap2::Advice::HugePage);
        }
        Self(Some(memory))
    }

    /// Numbers it has room for.
    fn capacity(&self) -> usize {
        self.0.as_ref().map_or(0, |memory| memory.len() / size_of::<f32>())
    }
}

impl Buffer {
    /// A buffer whose every element the caller writes before it reads it.
    pub fn new(len: usize) -> Self {
        let memory = match len {
            0 => Memory(None),
            _ => FREE.with_borrow_mut(|free| take(free, len)).unwrap_or_else(|| Memory::new(len)),
        };
        Self { memory, len }
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

    /// Gives the memory that waits for its next use on this thread back to the system.
    pub fn release_unused() {
        FREE.with_borrow_mut(Vec::clear);
    }
}

/// The smallest free memory that holds `len` numbers, if it is not far too large. If there is none, as
/// much of the too small is given up, so that what lies unused never grows with changing sizes.
fn take(free: &mut Vec<Memory>, len: usize) -> Option<Memory> {
    let fits = (0..free.len())
        .filter(|&i| (len..=2 * len + PAGE).contains(&free[i].capacity()))
        .min_by_key(|&i| free[i].capacity());
    if let Some(place) = fits {
        return Some(free.swap_remove(place));
    }
    let mut given_up = 0;
    while given_up < len {
        let too_small = (0..free.len())
            .filter(|&i| free[i].capacity() < len)
            .max_by_key(|&i| free[i].capacity());
        let Some(place) = too_small else { break };
        given_up += free.swap_remove(place).capacity();
    }
    None
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let memory = Memory(self.memory.0.take());
        if memory.capacity() > 0 {
            // While a thread ends its free memory may be gone already.
            let _ = FREE.try_with(|free| free.borrow_mut().push(memory));
        }
    }
}

impl Deref for Buffer {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        match &self.memory.0 {
            Some(memory) => bytemuck::cast_slice(&memory[..self.len * size_of::<f32>()]),
            None => &[],
        }
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [f32] {
        match &mut self.memory.0 {
            Some(memory) => bytemuck::cast_slice_mut(&mut memory[..self.len * size_of::<f32>()]),
            None => &mut [],
        }
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
        let held: usize = FREE.with_borrow(|free| free.iter().map(Memory::capacity).sum());
        assert!(held < 600_000, "{held} numbers are kept");
        Buffer::release_unused();
    }
}

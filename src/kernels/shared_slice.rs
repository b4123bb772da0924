//! A mutable slice that several threads write at places that do not overlap.

use std::marker::PhantomData;

/// Lends a `&mut [f32]` to tasks of one parallel loop, each of which writes its own places.
pub(super) struct SharedSlice<'a> {
    start: *mut f32,
    len: usize,
    lifetime: PhantomData<&'a mut [f32]>,
}

// SAFETY: the pointer comes from a unique borrow that outlives `'a`; the writers
// promise that their places do not overlap, so threads never race.
unsafe impl Send for SharedSlice<'_> {}
// SAFETY: as for `Send`.
unsafe impl Sync for SharedSlice<'_> {}

impl<'a> SharedSlice<'a> {
    pub(super) fn new(slice: &'a mut [f32]) -> Self {
        Self { start: slice.as_mut_ptr(), len: slice.len(), lifetime: PhantomData }
    }

    /// Writes one element.
    ///
    /// # Safety
    /// No other task may touch this place at the same time.
    pub(super) unsafe fn set(&self, place: usize, value: f32) {
        assert!(place < self.len, "a place beyond the shared slice");
        // SAFETY: in bounds by the check above, unique by the caller's promise.
        unsafe { *self.start.add(place) = value };
    }

    /// Adds to one element.
    ///
    /// # Safety
    /// No other task may touch this place at the same time.
    pub(super) unsafe fn add(&self, place: usize, value: f32) {
        assert!(place < self.len, "a place beyond the shared slice");
        // SAFETY: in bounds by the check above, unique by the caller's promise.
        unsafe { *self.start.add(place) += value };
    }

    /// The `len` elements from `offset`.
    ///
    /// # Safety
    /// No other task may touch them while the result lives.
    #[allow(clippy::mut_from_ref)]
    pub(super) unsafe fn part_mut(&self, offset: usize, len: usize) -> &mut [f32] {
        assert!(offset + len <= self.len, "a part beyond the shared slice");
        // SAFETY: in bounds by the check above, unique by the caller's promise.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(offset), len) }
    }

    /// A pointer to `offset`, for strided writes of tasks that own different columns.
    pub(super) fn pointer(&self, offset: usize) -> *mut f32 {
        assert!(offset <= self.len, "a place beyond the shared slice");
        // SAFETY: in bounds (or one past the end) by the check above.
        unsafe { self.start.add(offset) }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }
}

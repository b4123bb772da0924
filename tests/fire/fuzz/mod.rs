//! Whatever stands in a file that Kaizen reads, and whatever comes from the keyboard: words, never a panic.

mod adapter;
mod keys;
mod mutation;
mod text;

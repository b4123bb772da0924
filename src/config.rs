//! stand-in
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precision {
    Quantised,
    F32,
}

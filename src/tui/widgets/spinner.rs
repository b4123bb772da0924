//! A mark that moves with the ticks.

const FRAMES: [char; 8] = ['⠋', '⠙', '⠸', '⠴', '⠦', '⠧', '⠇', '⠏'];

/// The mark at a tick.
pub fn spinner(ticks: u64) -> char {
    let place = usize::try_from(ticks).unwrap_or_default() % FRAMES.len();
    FRAMES.get(place).copied().unwrap_or('·')
}

//! A rating as five stars, legible without colour.

/// `★★☆☆☆`, or dots for none.
pub fn stars(rating: Option<u8>) -> String {
    match rating {
        None => "·····".into(),
        Some(rating) => {
            let full = usize::from(rating.min(5));
            "★".repeat(full) + &"☆".repeat(5 - full)
        }
    }
}

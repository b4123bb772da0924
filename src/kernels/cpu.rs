//! Which instructions the processor offers, and how one function body is compiled for each.
//!
//! The bodies here are plain Rust that the compiler vectorises. Rust neither fuses a multiplication
//! with an addition nor reorders sums on its own, so every level gives the same bits; only speed
//! differs. Products are another matter: `vector.rs` and `tile.rs` use what each level has.

use std::sync::OnceLock;

/// The instruction set that the kernels were compiled for and that is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CpuLevel {
    Portable,
    Avx2,
    Avx512,
    /// AVX-512 with dot products of pairs of bf16.
    Avx512Bf16,
}

impl CpuLevel {
    pub fn name(self) -> &'static str {
        match self {
            Self::Portable => "portable",
            Self::Avx2 => "AVX2",
            Self::Avx512 => "AVX-512",
            Self::Avx512Bf16 => "AVX-512 with BF16",
        }
    }
}

/// The best level of this processor, or a lower one that `KAIZEN_CPU` (`portable`, `avx2`,
/// `avx512`) asks for.
pub fn cpu_level() -> CpuLevel {
    #[cfg(test)]
    if let Some(level) = tests::FORCED.with(|forced| forced.get()) {
        return level;
    }
    static LEVEL: OnceLock<CpuLevel> = OnceLock::new();
    *LEVEL.get_or_init(|| {
        let best = detected();
        match std::env::var("KAIZEN_CPU").as_deref() {
            Ok("portable") => CpuLevel::Portable,
            Ok("avx2") => best.min(CpuLevel::Avx2),
            Ok("avx512") => best.min(CpuLevel::Avx512),
            _ => best,
        }
    })
}

/// Whether products of many rows with a quantised weight round their operands to bf16 here.
pub fn rounds_to_bf16() -> bool {
    cpu_level() == CpuLevel::Avx512Bf16
}

/// Whether products of many rows with a quantised weight are those of whole numbers of 16 bits here:
/// rounded, but finer than any number of the model is known.
pub fn multiplies_whole_numbers() -> bool {
    cpu_level() == CpuLevel::Avx2
}

#[cfg(target_arch = "x86_64")]
fn detected() -> CpuLevel {
    let avx2 = is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("fma")
        && is_x86_feature_detected!("f16c");
    let avx512 = is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512vl")
        && is_x86_feature_detected!("avx512dq");
    match (avx2, avx512) {
        (true, true) if is_x86_feature_detected!("avx512bf16") => CpuLevel::Avx512Bf16,
        (true, true) => CpuLevel::Avx512,
        (true, false) => CpuLevel::Avx2,
        _ => CpuLevel::Portable,
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn detected() -> CpuLevel {
    CpuLevel::Portable
}

/// Compiles one function body for every [`CpuLevel`] and picks the copy at run time.
macro_rules! for_each_cpu_level {
    (
        $(#[$meta:meta])*
        $vis:vis fn $name:ident($($arg:ident: $ty:ty),* $(,)?) $(-> $ret:ty)? $body:block
    ) => {
        $(#[$meta])*
        #[allow(clippy::too_many_arguments)]
        $vis fn $name($($arg: $ty),*) $(-> $ret)? {
            #[inline(always)]
            fn body($($arg: $ty),*) $(-> $ret)? $body

            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx2,fma,f16c")]
                fn avx2($($arg: $ty),*) $(-> $ret)? { body($($arg),*) }
                #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx2,fma,f16c")]
                fn avx512($($arg: $ty),*) $(-> $ret)? { body($($arg),*) }
                match $crate::kernels::cpu_level() {
                    // SAFETY: `cpu_level` returns a level only when the processor has its features.
                    $crate::kernels::CpuLevel::Avx512 | $crate::kernels::CpuLevel::Avx512Bf16 => {
                        // SAFETY: as above.
                        return unsafe { avx512($($arg),*) };
                    }
                    // SAFETY: as above.
                    $crate::kernels::CpuLevel::Avx2 => return unsafe { avx2($($arg),*) },
                    $crate::kernels::CpuLevel::Portable => {}
                }
            }
            body($($arg),*)
        }
    };
}
pub(crate) use for_each_cpu_level;

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use std::cell::Cell;

    thread_local! {
        pub(super) static FORCED: Cell<Option<CpuLevel>> = const { Cell::new(None) };
    }

    /// Runs `work` once for each level that this processor has; kernels called on this thread use it.
    pub(crate) fn at_each_level<T>(mut work: impl FnMut() -> T) -> Vec<T> {
        [CpuLevel::Portable, CpuLevel::Avx2, CpuLevel::Avx512, CpuLevel::Avx512Bf16]
            .into_iter()
            .filter(|level| *level <= detected())
            .map(|level| {
                FORCED.with(|forced| forced.set(Some(level)));
                let result = work();
                FORCED.with(|forced| forced.set(None));
                result
            })
            .collect()
    }
}

//! What the machine has: memory free and memory used.

/// Memory that can be taken without swapping, in MiB; none where the system does not say.
pub fn free_memory_mib() -> Option<usize> {
    kib_after("/proc/meminfo", "MemAvailable:").map(|kib| kib / 1024)
}

/// The most memory that this process ever held, in MiB; none where the system does not say.
pub fn peak_memory_mib() -> Option<usize> {
    kib_after("/proc/self/status", "VmHWM:").map(|kib| kib / 1024)
}

/// Memory that this process holds now, in MiB; none where the system does not say.
pub fn memory_mib() -> Option<usize> {
    kib_after("/proc/self/status", "VmRSS:").map(|kib| kib / 1024)
}

fn kib_after(file: &str, label: &str) -> Option<usize> {
    let text = std::fs::read_to_string(file).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(label))?;
    line.trim().trim_end_matches("kB").trim().parse().ok()
}

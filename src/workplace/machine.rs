//! What the machine has: memory free and memory used, power, and whether it is busy.

use std::path::Path;

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

/// Memory that another process holds now, in MiB; none where there is none, or the system does not say.
pub fn memory_mib_of(process: u32) -> Option<usize> {
    kib_after(&format!("/proc/{process}/status"), "VmRSS:").map(|kib| kib / 1024)
}

fn kib_after(file: &str, label: &str) -> Option<usize> {
    let text = std::fs::read_to_string(file).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(label))?;
    line.trim().trim_end_matches("kB").trim().parse().ok()
}

/// Whether it runs on battery; false where there is none, or where the system does not say.
pub fn on_battery() -> bool {
    supplies_discharge(Path::new("/sys/class/power_supply"))
}

/// A battery that discharges, and nothing that feeds it.
fn supplies_discharge(folder: &Path) -> bool {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let supplies: Vec<(String, String, String)> = entries
        .map(|entry| {
            let text = |name: &str| {
                let read = std::fs::read_to_string(entry.path().join(name)).unwrap_or_default();
                read.trim().to_owned()
            };
            (text("type"), text("status"), text("online"))
        })
        .collect();
    let fed = supplies.iter().any(|(kind, _, online)| kind != "Battery" && online == "1");
    !fed && supplies.iter().any(|(kind, status, _)| kind == "Battery" && status == "Discharging")
}

/// The share of the cores that was in use over the last minute; none where the system does not say.
pub fn load() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/loadavg").ok()?;
    let waiting: f64 = text.split_whitespace().next()?.parse().ok()?;
    Some(waiting / std::thread::available_parallelism().map_or(1, usize::from) as f64)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    // If this fails, a laptop on a train trains itself empty, or one at its desk never trains.
    #[test]
    fn a_battery_counts_only_while_it_discharges_and_nothing_feeds_it() {
        let folder = tempfile::tempdir().unwrap();
        assert!(!supplies_discharge(folder.path()));
        assert!(!supplies_discharge(&folder.path().join("none")));
        let write = |supply: &str, name: &str, value: &str| {
            let path = folder.path().join(supply);
            std::fs::create_dir_all(&path).unwrap();
            std::fs::write(path.join(name), format!("{value}\n")).unwrap();
        };
        write("BAT0", "type", "Battery");
        write("BAT0", "status", "Charging");
        assert!(!supplies_discharge(folder.path()));
        write("BAT0", "status", "Discharging");
        assert!(supplies_discharge(folder.path()));
        write("AC", "type", "Mains");
        write("AC", "online", "0");
        assert!(supplies_discharge(folder.path()));
        write("AC", "online", "1");
        assert!(!supplies_discharge(folder.path()));
    }

    #[test]
    fn the_load_is_a_share_of_the_cores() {
        assert!(load().is_none_or(|load| (0.0..1e4).contains(&load)));
    }
}

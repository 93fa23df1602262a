//! What the machine has: cores and memory, as far as this process may use them.
use std::path::Path;

/// Cores that this process may run on, quotas of its cgroup included.
#[must_use]
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Bytes of memory: the machine's, or the limit of the cgroup (either version, any ancestor) if that is lower.
/// 2 GiB where neither can be read.
#[must_use]
pub fn machine_memory() -> u64 {
    let total = std::fs::read_to_string("/proc/meminfo")
        .ok()
        .and_then(|text| total_of(&text))
        .unwrap_or(2 << 30);
    let cgroups = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    cgroup_limit(Path::new("/sys/fs/cgroup"), &cgroups).map_or(total, |limit| limit.min(total))
}

/// `MemTotal:  16384 kB` of `/proc/meminfo`.
fn total_of(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|l| l.strip_prefix("MemTotal:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

/// The lowest limit on the way from the root to this process. `cgroups` is the text of `/proc/self/cgroup`:
/// lines of `id:controllers:path`, the controllers empty in version 2.
fn cgroup_limit(root: &Path, cgroups: &str) -> Option<u64> {
    let mut lowest = None;
    for line in cgroups.lines() {
        let mut parts = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (parts.next(), parts.next()) else {
            continue;
        };
        let (mut folder, file) = if controllers.is_empty() {
            (root.to_path_buf(), "memory.max")
        } else if controllers.split(',').any(|c| c == "memory") {
            (root.join("memory"), "memory.limit_in_bytes")
        } else {
            continue;
        };
        // Inside a container the path may be the host's; then only the root of the mount is there.
        for step in std::iter::once("").chain(path.split('/').filter(|s| !s.is_empty())) {
            folder.push(step);
            let limit = std::fs::read_to_string(folder.join(file));
            if let Some(limit) = limit.ok().and_then(|text| text.trim().parse::<u64>().ok()) {
                lowest = Some(lowest.map_or(limit, |l: u64| l.min(limit)));
            }
        }
    }
    lowest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn meminfo_is_read_in_bytes() {
        let text = "MemTotal:       24576000 kB\nMemFree: 1 kB\n";
        assert_eq!(total_of(text), Some(24_576_000 * 1024));
        assert_eq!(total_of("nonsense"), None);
    }

    #[test]
    fn the_lowest_limit_of_all_ancestors_counts() -> std::io::Result<()> {
        let root = tempfile::tempdir()?;
        let inner = root.path().join("outer/inner");
        std::fs::create_dir_all(&inner)?;
        std::fs::write(root.path().join("outer/memory.max"), "1000\n")?;
        std::fs::write(inner.join("memory.max"), "max\n")?;
        assert_eq!(cgroup_limit(root.path(), "0::/outer/inner\n"), Some(1000));
        assert_eq!(cgroup_limit(root.path(), "0::/other\n"), None);
        Ok(())
    }

    #[test]
    fn version_one_is_read_too() -> std::io::Result<()> {
        let root = tempfile::tempdir()?;
        std::fs::create_dir_all(root.path().join("memory"))?;
        std::fs::write(root.path().join("memory/memory.limit_in_bytes"), "4096")?;
        let text = "4:cpu,cpuacct:/x\n7:memory:/docker/abc\n";
        assert_eq!(cgroup_limit(root.path(), text), Some(4096));
        Ok(())
    }
}

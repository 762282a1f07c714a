// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Where Debian packages come from: the mirror that this machine's apt already uses.

use std::path::Path;
use std::{env, fs};

use anyhow::{Result, bail};

const VARIABLE: &str = "AMBIT_DEBIAN_MIRROR";
const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// A Debian mirror.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Mirror {
    archive: String,
    security: Option<String>,
}

impl Mirror {
    /// The mirror that the environment names, else the one in apt's sources for this Debian.
    pub(crate) fn find() -> Result<Self> {
        if let Ok(archive) = env::var(VARIABLE) {
            let archive = archive.trim_end_matches('/').to_owned();
            // The security archive stands beside the main one on mirrors that have both.
            let security = archive
                .strip_suffix("/debian")
                .map(|host| format!("{host}/debian-security"));
            return Ok(Self { archive, security });
        }
        let release = release_name(&fs::read_to_string("/etc/os-release").unwrap_or_default());
        let sources = read_sources();
        let found = release
            .as_deref()
            .and_then(|release| Self::from_sources(&sources, release));
        let Some(found) = found else {
            bail!(
                "no Debian mirror found in /etc/apt/sources.list and sources.list.d: \
                 set {VARIABLE} to the URL of one (it ends in /debian)"
            );
        };
        Ok(found)
    }

    fn from_sources(sources: &[Source], release: &str) -> Option<Self> {
        let of = |suite: &str| {
            sources
                .iter()
                .find(|s| s.suites.iter().any(|s| s == suite))
                .map(|s| s.uri.clone())
        };
        Some(Self {
            archive: of(release)?,
            security: of(&format!("{release}-security")),
        })
    }

    /// Lines for `sources.list`, one a suite; a suite that ends in `-security` comes from the security archive, and is
    /// left out if the mirror has none.
    pub(crate) fn lines(&self, suites: &[&str]) -> Vec<String> {
        let options = if Path::new(KEYRING).exists() {
            format!("[signed-by={KEYRING}] ")
        } else {
            String::new()
        };
        suites
            .iter()
            .filter_map(|&suite| {
                let uri = if suite.ends_with("-security") {
                    self.security.as_ref()?
                } else {
                    &self.archive
                };
                Some(format!("deb {options}{uri} {suite} main"))
            })
            .collect()
    }
}

/// One place in apt's sources that has the component `main`.
#[derive(Debug)]
struct Source {
    uri: String,
    suites: Vec<String>,
}

fn release_name(os_release: &str) -> Option<String> {
    let value = |key: &str| {
        let line = os_release
            .lines()
            .find_map(|line| line.strip_prefix(key)?.strip_prefix('='))?;
        Some(line.trim_matches('"').to_owned())
    };
    (value("ID")? == "debian").then(|| value("VERSION_CODENAME"))?
}

fn read_sources() -> Vec<Source> {
    let mut files = vec!["/etc/apt/sources.list".into()];
    if let Ok(entries) = fs::read_dir("/etc/apt/sources.list.d") {
        files.extend(entries.flatten().map(|entry| entry.path()));
    }
    files.sort();
    let mut sources = Vec::new();
    for file in files {
        let Ok(text) = fs::read_to_string(&file) else {
            continue;
        };
        match file.extension().and_then(|e| e.to_str()) {
            Some("list") => sources.extend(text.lines().filter_map(one_line)),
            Some("sources") => sources.extend(text.split("\n\n").filter_map(stanza)),
            _ => {}
        }
    }
    sources
}

/// `deb [options] URI SUITE COMPONENT...`
fn one_line(line: &str) -> Option<Source> {
    let rest = line.trim().strip_prefix("deb ")?.trim_start();
    let rest = if rest.starts_with('[') {
        rest.split_once(']')?.1
    } else {
        rest
    };
    let mut words = rest.split_whitespace();
    let (uri, suite) = (words.next()?, words.next()?);
    words.any(|word| word == "main").then(|| Source {
        uri: trim(uri),
        suites: vec![suite.to_owned()],
    })
}

/// A stanza of a `.sources` file.
fn stanza(text: &str) -> Option<Source> {
    let field = |name: &str| {
        text.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| {
                value
                    .split_whitespace()
                    .map(str::to_owned)
                    .collect::<Vec<_>>()
            })
        })
    };
    if !field("Types")?.iter().any(|t| t == "deb")
        || !field("Components")?.iter().any(|c| c == "main")
    {
        return None;
    }
    if field("Enabled").is_some_and(|words| words == ["no"]) {
        return None;
    }
    Some(Source {
        uri: trim(field("URIs")?.first()?),
        suites: field("Suites")?,
    })
}

fn trim(uri: &str) -> String {
    uri.trim_end_matches('/').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const STANZA: &str = "Types: deb\n# a comment: with a colon\nURIs: http://mirror.example/debian/\n\
                          Suites: bookworm bookworm-updates\nComponents: main\n";

    #[test]
    fn takes_the_entry_of_the_release_and_no_other() {
        let sources: Vec<_> = [
            one_line("deb https://elsewhere.example/apt cloud-bookworm main"),
            stanza(STANZA),
            one_line(
                "deb [arch=amd64] http://mirror.example/security bookworm-security main contrib",
            ),
        ]
        .into_iter()
        .flatten()
        .collect();
        let mirror = Mirror::from_sources(&sources, "bookworm");
        let expected = Mirror {
            archive: "http://mirror.example/debian".to_owned(),
            security: Some("http://mirror.example/security".to_owned()),
        };
        assert_eq!(mirror, Some(expected));
    }

    #[test]
    fn ignores_sources_without_main_and_source_packages() {
        assert!(one_line("deb http://mirror.example/debian bookworm contrib").is_none());
        assert!(one_line("deb-src http://mirror.example/debian bookworm main").is_none());
        assert!(stanza(&STANZA.replace("Types: deb", "Types: deb-src")).is_none());
    }

    #[test]
    fn leaves_the_security_suite_out_when_the_mirror_has_none() {
        let mirror = Mirror {
            archive: "http://mirror.example/debian".to_owned(),
            security: None,
        };
        assert_eq!(mirror.lines(&["bookworm", "bookworm-security"]).len(), 1);
    }

    #[test]
    fn reads_the_name_of_a_debian_release_only() {
        assert_eq!(
            release_name("ID=debian\nVERSION_CODENAME=bookworm\n").as_deref(),
            Some("bookworm")
        );
        assert_eq!(release_name("ID=ubuntu\nVERSION_CODENAME=noble\n"), None);
    }
}

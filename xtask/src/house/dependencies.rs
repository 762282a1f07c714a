// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Dependencies that a crate declares and none of its files names.

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use serde_json::Value;

    use crate::house::files;
    use crate::{build, paths, process};

    /// Dependencies that are used without being named.
    const UNNAMED: [(&str, &str); 0] = [];

    #[test]
    fn every_declared_dependency_is_used() {
        let output = process::output(build::cargo("metadata").args([
            "--no-deps",
            "--format-version",
            "1",
            "--offline",
        ]))
        .unwrap();
        let metadata: Value = serde_json::from_slice(&output).unwrap();
        let mut unused = Vec::new();
        for package in metadata["packages"].as_array().unwrap() {
            let name = package["name"].as_str().unwrap();
            let manifest = Path::new(package["manifest_path"].as_str().unwrap());
            let folder = manifest
                .parent()
                .unwrap()
                .strip_prefix(paths::workspace())
                .unwrap();
            let text: String = files(&folder.to_string_lossy(), &[".rs"])
                .unwrap()
                .iter()
                .map(|path| fs::read_to_string(path).unwrap())
                .collect();
            for dependency in package["dependencies"].as_array().unwrap() {
                let wanted = dependency["rename"]
                    .as_str()
                    .or(dependency["name"].as_str())
                    .unwrap();
                let ident = wanted.replace('-', "_");
                let is_word = |at: usize| {
                    let around = |byte: Option<&u8>| {
                        byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
                    };
                    let bytes = text.as_bytes();
                    !around(at.checked_sub(1).and_then(|at| bytes.get(at)))
                        && !around(bytes.get(at + ident.len()))
                };
                let used = text.match_indices(&ident).any(|(at, _)| is_word(at));
                if !used && !UNNAMED.contains(&(name, wanted)) {
                    unused.push(format!("{name} declares `{wanted}` and does not name it"));
                }
            }
        }
        assert!(unused.is_empty(), "{}", unused.join("\n"));
    }
}

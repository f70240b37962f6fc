//! All claims of `specs` hold; the reports under `docs/proofs` are theirs as they are now, and there are no others.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const REFRESH: &str = "cargo run -- check specs --report-dir docs/proofs";

/// All files below a folder with their texts, by their paths in it.
fn tree(root: &Path) -> BTreeMap<PathBuf, String> {
    let mut files = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten() {
            let path = entry.expect("a folder that can be listed").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let text = fs::read(&path).expect("a file that can be read");
                let below = path.strip_prefix(root).expect("a path below its root").to_owned();
                files.insert(below, String::from_utf8_lossy(&text).into_owned());
            }
        }
    }
    files
}

#[test]
fn proofs_are_fresh() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let specs = tree(&root.join("specs"));
    let pages =
        specs.keys().filter(|path| path.extension().is_some_and(|extension| extension == "cf")).count();
    assert!(pages > 0, "there are no specs");

    let folder = tempfile::tempdir().expect("a temporary folder");
    let status = Command::new(assert_cmd::cargo::cargo_bin!("convproof"))
        .args(["check", "specs", "--report-dir"])
        .arg(folder.path())
        .current_dir(root)
        .stdout(Stdio::null())
        .status()
        .expect("the program can be run");
    assert!(status.success(), "`cargo run -- check specs` says which claims fail");

    let fresh = tree(folder.path());
    assert_eq!(fresh.len(), pages + 1, "one report for each spec, and an index");
    let committed = tree(&root.join("docs/proofs"));
    let stale: Vec<_> = fresh
        .iter()
        .filter(|(path, text)| committed.get(*path) != Some(*text))
        .map(|(path, _)| path)
        .collect();
    assert!(stale.is_empty(), "stale reports under docs/proofs: {stale:?}\nrefresh them: {REFRESH}");
    let orphans: Vec<_> = committed.keys().filter(|path| !fresh.contains_key(*path)).collect();
    assert!(orphans.is_empty(), "reports without a spec under docs/proofs, to be deleted: {orphans:?}");
}

//! The spec that the README shows gives the output that the README shows.

use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::tempdir;

/// The text of the first fenced block after a mark.
fn block<'a>(text: &'a str, mark: &str) -> &'a str {
    let after = &text[text.find(mark).unwrap_or_else(|| panic!("the README has no {mark}"))..];
    let start = after.find('\n').expect("a line after the mark") + 1;
    let body = &after[start..];
    &body[..body.find("\n```").expect("the end of the block") + 1]
}

#[test]
fn the_readme_shows_real_output() {
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let spec = block(&readme, "```convproof");
    let shown = block(&readme, "```text");
    let folder = tempdir().unwrap();
    fs::write(folder.path().join("first.cf"), spec).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_convproof"))
        .args(["check", "first.cf"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), shown);
    assert_eq!(output.status.code(), Some(1), "one claim fails");
}

//! Numbers that leave 64 bits prove nothing, whatever the build: in a crate that depends on this one cargo ignores
//! this package's profile, and arithmetic wraps.

#[path = "../consumer/src/claims.rs"]
mod claims;

use std::path::Path;
use std::process::Command;

#[test]
fn numbers_beyond_64_bits_prove_nothing() {
    assert_eq!(claims::proved(), Vec::<&str>::new());
}

/// Builds everything once more; `.ci/run` runs it.
#[test]
#[ignore = "builds everything in another profile"]
fn nor_do_they_in_a_crate_that_depends_on_this_one_and_wraps() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("consumer");
    let copy = |from: &Path, to: &str| std::fs::copy(from, folder.join(to)).expect("the folder is writable");
    std::fs::create_dir_all(folder.join("src")).expect("the folder is writable");
    let manifest = |path| std::fs::read_to_string(root.join(path)).expect("a manifest");
    // What others wrote is built as in the workspace, so that it is there already.
    let workspace = manifest("Cargo.toml");
    let others = workspace.split("\n\n").filter(|section| {
        section.starts_with("[profile.dev.package.") && !section.starts_with("[profile.dev.package.convproof")
    });
    let manifest = manifest("tests/consumer/Cargo.toml").replace("../..", &root.to_string_lossy());
    let manifest = others.fold(manifest, |all, section| all + "\n" + section + "\n");
    std::fs::write(folder.join("Cargo.toml"), manifest).expect("the folder is writable");
    // The versions that this package was tested with, which are there already.
    copy(&root.join("Cargo.lock"), "Cargo.lock");
    for file in ["claims.rs", "main.rs"] {
        copy(&root.join("tests/consumer/src").join(file), &format!("src/{file}"));
    }
    let status = Command::new(env!("CARGO"))
        .args(["run", "--offline", "--quiet", "--manifest-path"])
        .arg(folder.join("Cargo.toml"))
        // Where the workspace is built, for what both have in common.
        .arg("--target-dir")
        .arg(Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("a folder in that of builds"))
        .status()
        .expect("cargo runs");
    assert!(status.success());
}

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
fn nor_do_they_in_a_release_build_of_a_crate_that_depends_on_this_one() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("consumer");
    let copy = |from: &Path, to: &str| std::fs::copy(from, folder.join(to)).expect("the folder is writable");
    std::fs::create_dir_all(folder.join("src")).expect("the folder is writable");
    let manifest = std::fs::read_to_string(root.join("tests/consumer/Cargo.toml")).expect("a manifest");
    let manifest = manifest.replace("../..", &root.to_string_lossy());
    std::fs::write(folder.join("Cargo.toml"), manifest).expect("the folder is writable");
    // The versions that this package was tested with, which are there already.
    copy(&root.join("Cargo.lock"), "Cargo.lock");
    for file in ["claims.rs", "main.rs"] {
        copy(&root.join("tests/consumer/src").join(file), &format!("src/{file}"));
    }
    let status = Command::new(env!("CARGO"))
        .args(["run", "--release", "--offline", "--quiet", "--manifest-path"])
        .arg(folder.join("Cargo.toml"))
        .arg("--target-dir")
        .arg(folder.join("target"))
        .status()
        .expect("cargo runs");
    assert!(status.success());
}

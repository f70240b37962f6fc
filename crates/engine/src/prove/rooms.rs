//! The rooms of `prove` import only those before them.

use std::path::{Path, PathBuf};

/// From bottom to top.
const ROOMS: [&str; 8] = ["verdict", "values", "survey", "witness", "stacks", "within", "kernels", "opinion"];

fn entries(folder: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}

/// All files below a folder.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let below = |path: PathBuf| if path.is_dir() { sources(&path) } else { vec![path] };
    entries(folder).into_iter().flat_map(below).collect()
}

#[test]
fn each_room_imports_only_those_before_it() {
    let prove = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/prove");
    let folders: Vec<PathBuf> = entries(&prove).into_iter().filter(|path| path.is_dir()).collect();
    assert_eq!(folders.len(), ROOMS.len(), "a room is missing in the list");
    for (number, room) in ROOMS.iter().enumerate() {
        for file in sources(&prove.join(room)) {
            let text = std::fs::read_to_string(&file).unwrap();
            for above in ROOMS[number + 1..].iter().copied().chain(["decide", "instances"]) {
                for path in [format!("prove::{above}"), format!("super::super::{above}")] {
                    assert!(!text.contains(&path), "{} imports {path}", file.display());
                }
            }
            assert!(!text.contains("prove::{"), "{}: one room for each import", file.display());
        }
    }
}

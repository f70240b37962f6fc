//! Model files on a disk: read with the files beside them that hold their data.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use convproof_files::onnx::{self, Bytes, Model};

/// Bytes that a model file, or one of its arrays in another file, may have.
const MAX_MODEL: u64 = 2 << 30;

/// Reads a model.
pub(super) fn read(path: &Path) -> Result<Model, String> {
    let name = path.display();
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    if let Some(recipe) = recipe(extension) {
        return Err(format!("{name}: not an ONNX model; {recipe}"));
    }
    let bytes = read_part(path, 0, None).map_err(|error| format!("{name}: {error}"))?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut beside = |location: &str, offset: u64, length: Option<u64>| {
        read_part(&folder.join(onnx::beside(location)?), offset, length)
            .map_err(|error| format!("{location}: {error}"))
    };
    onnx::read(bytes, &mut beside).map_err(|error| format!("{name}: {error}"))
}

/// How to get a model file out of files that are none.
fn recipe(extension: &str) -> Option<&'static str> {
    Some(match extension {
        "pt" | "pth" | "ckpt" => {
            "in Python: model.eval(); torch.onnx.export(model, torch.zeros(1, 3, 64, 64), \"model.onnx\")"
        }
        "csv" => {
            "for a single kernel, in Python: numpy.save(\"w.npy\", numpy.loadtxt(\"w.csv\", delimiter=\",\")); then `load(\"w.npy\")` in a spec"
        }
        "h5" | "keras" | "pb" | "tflite" => "in Python: python -m tf2onnx.convert --help",
        _ => return None,
    })
}

/// A part of a regular file, to its end if no length is said.
fn read_part(path: &Path, offset: u64, length: Option<u64>) -> Result<Bytes, String> {
    let words = |error: &io::Error| match error.kind() {
        io::ErrorKind::NotFound => "no such file".to_owned(),
        _ => error.to_string(),
    };
    let mut file = File::open(path).map_err(|error| words(&error))?;
    let about = file.metadata().map_err(|error| words(&error))?;
    if !about.is_file() {
        return Err("not a regular file".to_owned());
    }
    let left = about.len().checked_sub(offset).ok_or("shorter than the model says")?;
    let length = length.unwrap_or(left);
    if length > left {
        return Err("shorter than the model says".to_owned());
    }
    if length > MAX_MODEL {
        return Err(format!("larger than {} GiB", MAX_MODEL >> 30));
    }
    file.seek(SeekFrom::Start(offset)).map_err(|error| words(&error))?;
    let mut bytes = Vec::new();
    file.take(length).read_to_end(&mut bytes).map_err(|error| words(&error))?;
    Ok(bytes.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_stay_inside_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("w.bin");
        std::fs::write(&path, b"abcdef").unwrap();
        assert_eq!(read_part(&path, 2, Some(3)).unwrap(), "cde");
        assert_eq!(read_part(&path, 4, None).unwrap(), "ef");
        assert!(read_part(&path, 4, Some(3)).is_err());
        assert!(read_part(&path, 7, None).is_err());
        assert!(read_part(folder.path(), 0, None).is_err());
    }

    #[test]
    fn other_formats_get_a_recipe() {
        assert!(read(Path::new("model.pt")).unwrap_err().contains("torch.onnx.export"));
        assert!(read(Path::new("w.csv")).unwrap_err().contains("numpy.save"));
    }
}

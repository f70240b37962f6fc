//! NumPy's `.npz` format: a zip archive of `.npy` files, stored or deflated.

use std::io::{Cursor, Read};

use zip::ZipArchive;
use zip::result::ZipError;

use super::{LoadError, Loaded, MAX_VALUES, choose, npy};

/// Longest entry read, however well it was compressed: the longest array and its header.
const MAX_BYTES: u64 = 8 * MAX_VALUES as u64 + (1 << 17);

pub(super) fn read(bytes: &[u8], entry: Option<&str>) -> Result<Loaded, LoadError> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|error| from_zip(&error))?;
    let names: Vec<String> = archive.file_names().filter_map(|name| Some(name.ok()?.into_owned())).collect();
    let names: Vec<&str> = names.iter().filter_map(|name| name.strip_suffix(".npy")).collect();
    let name = choose(&names, entry.map(|entry| entry.strip_suffix(".npy").unwrap_or(entry)))?;
    let name = format!("{name}.npy");
    let file = archive.by_name(&name).map_err(|error| from_zip(&error))?;
    if file.size() > MAX_BYTES {
        return Err(LoadError::TooManyValues);
    }
    let mut array = Vec::new();
    // The size an archive states need not be true.
    file.take(MAX_BYTES + 1).read_to_end(&mut array).map_err(|_| LoadError::Malformed)?;
    if array.len() as u64 > MAX_BYTES {
        return Err(LoadError::TooManyValues);
    }
    npy::read(&array)
}

fn from_zip(error: &ZipError) -> LoadError {
    match error {
        ZipError::UnsupportedArchive(_)
        | ZipError::CompressionMethodNotSupported(_)
        | ZipError::InvalidPassword => LoadError::UnsupportedFormat,
        _ => LoadError::Malformed,
    }
}

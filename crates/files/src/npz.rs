//! NumPy's `.npz` format: a zip archive of `.npy` files, stored or deflated.

use std::io::{Cursor, Read, Write};

use zip::result::ZipError;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

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

/// An archive of arrays, each entry the float64 nearest to it; the same bytes for the same arrays.
pub fn write(arrays: &[(String, Loaded)]) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Stored)
        .last_modified_time(zip::DateTime::default());
    for (name, array) in arrays {
        // Nothing but memory is written to.
        let written = archive
            .start_file(format!("{name}.npy"), options)
            .and_then(|()| archive.write_all(&npy::write(array)).map_err(ZipError::Io));
        debug_assert!(written.is_ok(), "{written:?}");
    }
    archive.finish().map(Cursor::into_inner).unwrap_or_default()
}

fn from_zip(error: &ZipError) -> LoadError {
    match error {
        ZipError::UnsupportedArchive(_)
        | ZipError::CompressionMethodNotSupported(_)
        | ZipError::InvalidPassword => LoadError::UnsupportedFormat,
        _ => LoadError::Malformed,
    }
}

//! Arrays from NumPy and safetensors files as exact rationals, and model files as graphs of arrays as stored.
//!
//! Parses bytes; opens no files. No float is ever computed with, and no input makes it panic: sizes are
//! checked before memory is taken.

#![warn(clippy::too_many_lines)]

mod element;
mod error;
mod npy;
mod npz;
pub mod onnx;
mod safetensors;

use convproof_exact::Fractions;
use element::Element;

pub use error::LoadError;
pub use npz::write as write_npz;

/// Most values of one array.
pub const MAX_VALUES: usize = 1 << 24;
/// Most values of one array that do not fit in two machine words, such as `1e-30`.
pub const MAX_LONG_VALUES: usize = 1 << 22;
/// Most axes of one array.
pub const MAX_AXES: usize = 32;

/// An array read from a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loaded {
    /// Its extents, outermost first; none for a single number.
    pub dims: Vec<usize>,
    /// Its values, the last index fastest.
    pub values: Fractions,
}

/// Reads an array. The extension of `file_name` tells the format: `.npy`, `.npz`, `.safetensors` or `.onnx`.
/// `entry` names the array in all but the first; it may be left out where there is only one.
///
/// # Errors
/// [`LoadError`]: the file is malformed, too large, or holds something else than finite real numbers.
pub fn load(bytes: &[u8], file_name: &str, entry: Option<&str>) -> Result<Loaded, LoadError> {
    let extension = file_name.rsplit_once('.').map_or("", |(_, extension)| extension).to_ascii_lowercase();
    match (extension.as_str(), entry) {
        ("npy", None) => npy::read(bytes),
        ("npy", Some(_)) => Err(LoadError::SingleArray),
        ("npz", _) => npz::read(bytes, entry),
        ("safetensors", _) => safetensors::read(bytes, entry),
        ("onnx", _) => {
            let mut elsewhere = |location: &str, _: u64, _: Option<u64>| {
                Err(format!("`{location}` is another file, and only one is given"))
            };
            onnx::array(&onnx::model(onnx::Bytes::copy_from_slice(bytes), &mut elsewhere)?, entry)
        }
        _ => Err(LoadError::UnknownFormat),
    }
}

/// The array of this name, or the only one.
fn choose<'n>(names: &[&'n str], entry: Option<&str>) -> Result<&'n str, LoadError> {
    // The names most like the one asked for first: only some are shown.
    let available = || {
        let mut all: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let wanted = entry.unwrap_or_default();
        if !wanted.is_empty() && wanted.len() <= 256 {
            all.sort_by_cached_key(|name| {
                if name.len() > 256 { usize::MAX } else { strsim::damerau_levenshtein(wanted, name) }
            });
        }
        all
    };
    match (entry, names) {
        (Some(entry), _) => {
            let found = names.iter().find(|&&name| name == entry).copied();
            found.ok_or_else(|| LoadError::NoEntry { available: available() })
        }
        (None, [only]) => Ok(only),
        (None, _) => Err(LoadError::EntryNeeded { available: available() }),
    }
}

/// The number of values of an array with these extents.
fn count(dims: &[usize]) -> Result<usize, LoadError> {
    if dims.len() > MAX_AXES {
        return Err(LoadError::TooManyAxes);
    }
    if dims.contains(&0) {
        return Ok(0);
    }
    let count = dims.iter().try_fold(1usize, |count, &extent| count.checked_mul(extent));
    count.filter(|&count| count <= MAX_VALUES).ok_or(LoadError::TooManyValues)
}

/// The array whose values stand in `data`, the last index fastest, or the first if `fortran`.
fn decode(data: &[u8], element: Element, dims: Vec<usize>, fortran: bool) -> Result<Loaded, LoadError> {
    let count = count(&dims)?;
    let size = element.size();
    if count.checked_mul(size) != Some(data.len()) {
        return Err(LoadError::WrongLength);
    }
    if !fortran && let Some(values) = element.dyadic(data) {
        return Ok(Loaded { dims, values });
    }
    let mut values = Vec::with_capacity(count);
    let mut index = vec![0; dims.len()];
    let mut long = 0;
    for n in 0..count {
        let place = if fortran {
            index.iter().zip(&dims).rev().fold(0, |place, (&index, &extent)| place * extent + index)
        } else {
            n
        };
        let raw = data.get(place * size..(place + 1) * size).ok_or(LoadError::WrongLength)?;
        let value = match element.decode(raw) {
            Some(value) => value,
            None if element == Element::BOOL => return Err(LoadError::Malformed),
            None => return Err(LoadError::NotFinite { index }),
        };
        long += usize::from(value.as_small_parts().is_none());
        if long > MAX_LONG_VALUES {
            return Err(LoadError::TooManyValues);
        }
        values.push(value);
        step(&mut index, &dims);
    }
    Ok(Loaded { dims, values: values.into() })
}

/// The next index, the last fastest.
fn step(index: &mut [usize], dims: &[usize]) {
    for (index, &extent) in index.iter_mut().zip(dims).rev() {
        *index += 1;
        if *index < extent {
            return;
        }
        *index = 0;
    }
}

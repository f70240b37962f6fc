//! One array of a model file, by the name of its value: what a spec loads.
//!
//! Initializers and `Constant` nodes of the outermost graph are looked at; nothing is computed.

use std::path::{Component, Path};

use bytes::Bytes;

use super::{Array, Attribute, ElementType, External, Model, read};
use crate::element::Element;
use crate::{LoadError, Loaded, choose, decode};

/// A model, with what reads data that stand in other files.
///
/// # Errors
/// [`LoadError::Model`].
pub fn model(bytes: impl Into<Bytes>, external: &mut External<'_>) -> Result<Model, LoadError> {
    read(bytes.into(), external).map_err(|error| LoadError::Model { reason: error.to_string() })
}

/// The place of a file that a model names: beside it or below, never elsewhere.
///
/// # Errors
/// Any other place, in words.
pub fn beside(location: &str) -> Result<&Path, String> {
    let path = Path::new(location);
    let below = path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    if below { Ok(path) } else { Err(format!("`{location}` is not a place beside the model")) }
}

/// A part of a file, to its end if no length is said.
///
/// # Errors
/// The file is shorter, in words.
pub fn part_of(bytes: &Bytes, offset: u64, length: Option<u64>) -> Result<Bytes, String> {
    let place = |value: u64| usize::try_from(value).ok();
    let start = place(offset).filter(|&start| start <= bytes.len());
    let end = match length {
        Some(length) => offset.checked_add(length).and_then(place).filter(|&end| end <= bytes.len()),
        None => Some(bytes.len()),
    };
    match (start, end) {
        (Some(start), Some(end)) => Ok(bytes.slice(start..end)),
        _ => Err("shorter than the model says".to_owned()),
    }
}

/// The array of this name, or the only one.
///
/// # Errors
/// [`LoadError`]: there is none, or it holds something else than finite real numbers.
pub fn array(model: &Model, entry: Option<&str>) -> Result<Loaded, LoadError> {
    let mut arrays: Vec<(&str, &Array)> =
        model.graph.constants.iter().map(|(name, array)| (name.as_str(), array)).collect();
    for node in &model.graph.nodes {
        if let ("Constant", [(_, Attribute::Array(array))], [output]) =
            (node.operator.as_str(), node.attributes.as_slice(), node.outputs.as_slice())
        {
            arrays.push((output, array));
        }
    }
    let names: Vec<&str> = arrays.iter().map(|(name, _)| *name).collect();
    let name = choose(&names, entry)?;
    let array = arrays.iter().find(|(own, _)| *own == name).map(|(_, array)| *array);
    let array = array.ok_or(LoadError::Malformed)?;
    let element = element(array.element()).ok_or(LoadError::Malformed)?;
    decode(array.bytes(), element, array.dims().to_vec(), false)
}

fn element(element: ElementType) -> Option<Element> {
    match element {
        ElementType::Bool => Some(Element::BOOL),
        ElementType::BFloat16 => Some(Element::BF16),
        ElementType::Float16 | ElementType::Float32 | ElementType::Float64 => Element::float(element.size()),
        ElementType::Signed(_) => Element::signed(element.size()),
        ElementType::Unsigned(_) => Element::unsigned(element.size()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_and_parts_stay_where_they_may_be() {
        assert!(beside("w.bin").is_ok() && beside("./sub/w.bin").is_ok());
        assert!(["../w.bin", "/etc/passwd", "sub/../../w"].iter().all(|place| beside(place).is_err()));
        let bytes = Bytes::from_static(b"abcdef");
        assert_eq!(part_of(&bytes, 2, Some(3)).unwrap(), "cde");
        assert_eq!(part_of(&bytes, 4, None).unwrap(), "ef");
        assert_eq!(part_of(&bytes, 6, None).unwrap(), "");
        assert!(part_of(&bytes, 4, Some(3)).is_err() && part_of(&bytes, 7, None).is_err());
        assert!(part_of(&bytes, 1, Some(u64::MAX)).is_err());
    }
}

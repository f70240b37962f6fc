//! One array of a model file, by the name of its value: what a spec loads.
//!
//! Initializers and `Constant` nodes of the outermost graph are looked at; nothing is computed, and no other file read.

use bytes::Bytes;

use super::{Array, Attribute, ElementType, Model, read};
use crate::element::Element;
use crate::{LoadError, Loaded, choose, decode};

/// A model of which all data stand in the one file.
///
/// # Errors
/// [`LoadError::Model`].
pub fn whole(bytes: &[u8]) -> Result<Model, LoadError> {
    let mut elsewhere = |location: &str, _: u64, _: Option<u64>| {
        Err(format!("`{location}` is not read here; save the model as one file"))
    };
    read(Bytes::copy_from_slice(bytes), &mut elsewhere)
        .map_err(|error| LoadError::Model { reason: error.to_string() })
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

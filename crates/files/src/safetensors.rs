//! The safetensors format: the length of a header in 8 bytes, the header in JSON, the data.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::element::Element;
use super::{LoadError, Loaded, choose, decode};

/// Longest header read; those of the largest models have a few million bytes.
const MAX_HEADER: usize = 1 << 24;

#[derive(Deserialize)]
struct Header {
    /// Not used, but kept from the arrays.
    #[serde(rename = "__metadata__")]
    _metadata: Option<IgnoredAny>,
    #[serde(flatten)]
    tensors: BTreeMap<String, Tensor>,
}

/// What a header says of one array.
#[derive(Deserialize)]
struct Tensor {
    dtype: String,
    shape: Vec<usize>,
    data_offsets: [usize; 2],
}

pub(super) fn read(bytes: &[u8], entry: Option<&str>) -> Result<Loaded, LoadError> {
    let (length, rest) = bytes.split_first_chunk::<8>().ok_or(LoadError::Malformed)?;
    let length = usize::try_from(u64::from_le_bytes(*length)).map_err(|_| LoadError::Malformed)?;
    let (header, data) = rest.split_at_checked(length).ok_or(LoadError::Malformed)?;
    if length > MAX_HEADER {
        return Err(LoadError::UnsupportedFormat);
    }
    let mut header: Header = serde_json::from_slice(header).map_err(|_| LoadError::Malformed)?;
    let names: Vec<&str> = header.tensors.keys().map(String::as_str).collect();
    let name = choose(&names, entry)?.to_owned();
    let tensor = header.tensors.remove(&name).ok_or(LoadError::Malformed)?;
    let [start, end] = tensor.data_offsets;
    let data = data.get(start..end).ok_or(LoadError::WrongLength)?;
    decode(data, element(&tensor.dtype)?, tensor.shape, false)
}

fn element(dtype: &str) -> Result<Element, LoadError> {
    let element = match dtype {
        "BOOL" => Some(Element::BOOL),
        "BF16" => Some(Element::BF16),
        "I8" => Element::signed(1),
        "I16" => Element::signed(2),
        "I32" => Element::signed(4),
        "I64" => Element::signed(8),
        "U8" => Element::unsigned(1),
        "U16" => Element::unsigned(2),
        "U32" => Element::unsigned(4),
        "U64" => Element::unsigned(8),
        "F16" => Element::float(2),
        "F32" => Element::float(4),
        "F64" => Element::float(8),
        _ => None,
    };
    element.ok_or_else(|| LoadError::UnsupportedType { name: dtype.to_owned() })
}

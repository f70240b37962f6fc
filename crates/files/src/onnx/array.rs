//! Arrays of a model file, as compact as they are stored: their bytes and the type of their elements.

use bytes::Bytes;

use super::error::ArrayProblem;
use super::messages::TensorProto;

/// The type of the elements of an [`Array`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ElementType {
    /// Sign, 5 bits of exponent, 10 of fraction.
    Float16,
    /// The upper half of a `Float32`.
    BFloat16,
    /// IEEE 754 single precision.
    Float32,
    /// IEEE 754 double precision.
    Float64,
    /// One byte, 0 or 1.
    Bool,
    /// A signed integer of this many bytes.
    Signed(u8),
    /// An unsigned integer of this many bytes.
    Unsigned(u8),
}

impl ElementType {
    /// The type of this number in the format.
    pub fn from_code(code: i32) -> Option<Self> {
        Some(match code {
            1 => Self::Float32,
            2 => Self::Unsigned(1),
            3 => Self::Signed(1),
            4 => Self::Unsigned(2),
            5 => Self::Signed(2),
            6 => Self::Signed(4),
            7 => Self::Signed(8),
            9 => Self::Bool,
            10 => Self::Float16,
            11 => Self::Float64,
            12 => Self::Unsigned(4),
            13 => Self::Unsigned(8),
            16 => Self::BFloat16,
            _ => return None,
        })
    }

    /// Bytes of one element.
    pub fn size(self) -> usize {
        match self {
            Self::Float16 | Self::BFloat16 => 2,
            Self::Float32 => 4,
            Self::Float64 => 8,
            Self::Bool => 1,
            Self::Signed(size) | Self::Unsigned(size) => size.into(),
        }
    }

    /// Whether the elements are floats.
    pub fn is_float(self) -> bool {
        matches!(self, Self::Float16 | Self::BFloat16 | Self::Float32 | Self::Float64)
    }
}

/// An array as stored, the last index fastest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Array {
    dims: Vec<usize>,
    element: ElementType,
    /// Little-endian elements; as many as the extents ask for.
    data: Bytes,
}

/// Gives the bytes of another file: its location as stored, the first byte, how many (to the end if not said).
pub type External<'e> = dyn FnMut(&str, u64, Option<u64>) -> Result<Bytes, String> + 'e;

impl Array {
    /// The array of these bytes.
    ///
    /// # Errors
    /// [`ArrayProblem`]: the extents do not fit the data.
    pub fn new(dims: Vec<usize>, element: ElementType, data: Bytes) -> Result<Self, ArrayProblem> {
        let count = count(&dims);
        // The extents of an array without elements tell nothing, and must not be believed.
        let plausible =
            |extents: &[usize]| !extents.contains(&0) || extents.iter().all(|&extent| extent <= 1 << 24);
        let count = count.filter(|_| plausible(&dims));
        let wanted = count.and_then(|count| count.checked_mul(element.size()));
        let Some(wanted) = wanted else {
            let dims = dims.iter().map(|&extent| i64::try_from(extent).unwrap_or(i64::MAX)).collect();
            return Err(ArrayProblem::Extents { dims });
        };
        if wanted != data.len() {
            return Err(ArrayProblem::Length { wanted, found: data.len() });
        }
        Ok(Self { dims, element, data })
    }

    /// The array of a message.
    pub(super) fn from_message(
        tensor: TensorProto,
        external: &mut External<'_>,
    ) -> Result<Self, ArrayProblem> {
        let element = ElementType::from_code(tensor.element)
            .ok_or(ArrayProblem::ElementType { code: tensor.element })?;
        let dims: Option<Vec<usize>> =
            tensor.dims.iter().map(|&extent| usize::try_from(extent).ok()).collect();
        let dims = dims.ok_or_else(|| ArrayProblem::Extents { dims: tensor.dims.clone() })?;
        let data = match (tensor.location, tensor.raw) {
            (1, _) => outside(&tensor.external, external)?,
            (_, Some(raw)) => raw,
            (_, None) => typed(
                element,
                &tensor.floats,
                &tensor.int32s,
                &tensor.int64s,
                &tensor.doubles,
                &tensor.uint64s,
            ),
        };
        Self::new(dims, element, data)
    }

    /// Its extents, outermost first.
    pub fn dims(&self) -> &[usize] {
        &self.dims
    }

    /// The type of its elements.
    pub fn element(&self) -> ElementType {
        self.element
    }

    /// How many elements it has.
    pub fn len(&self) -> usize {
        self.data.len() / self.element.size()
    }

    /// Whether it has no element.
    pub fn is_empty(&self) -> bool {
        self.data.is_empty()
    }

    /// Its elements as stored.
    pub fn bytes(&self) -> &[u8] {
        &self.data
    }

    /// The same elements with other extents; `None` if their number differs.
    pub fn reshaped(&self, dims: Vec<usize>) -> Option<Self> {
        Self::new(dims, self.element, self.data.clone()).ok()
    }

    /// The array of the elements at these places.
    pub fn gathered(&self, dims: Vec<usize>, places: impl Iterator<Item = usize>) -> Option<Self> {
        let size = self.element.size();
        let mut data = Vec::new();
        for place in places {
            let start = place.checked_mul(size)?;
            data.extend_from_slice(self.data.get(start..start.checked_add(size)?)?);
        }
        Self::new(dims, self.element, data.into()).ok()
    }

    /// An element as a double, which holds every float of the format exactly; integers beyond 2⁵³ and places
    /// outside give `None`.
    #[inline]
    pub fn float(&self, place: usize) -> Option<f64> {
        let size = self.element.size();
        let raw = self.data.get(place.checked_mul(size)?..)?.get(..size)?;
        match (self.element, raw) {
            (ElementType::Float32, &[a, b, c, d]) => Some(f64::from(f32::from_le_bytes([a, b, c, d]))),
            (ElementType::BFloat16, &[a, b]) => Some(f64::from(f32::from_le_bytes([0, 0, a, b]))),
            (ElementType::Float16, &[a, b]) => Some(half(u16::from_le_bytes([a, b]))),
            (ElementType::Float64, _) => Some(f64::from_le_bytes(raw.try_into().ok()?)),
            _ => {
                let value = self.integer(place)?;
                let small = i32::try_from(value).ok().map(f64::from);
                small.or_else(|| value.to_string().parse().ok().filter(|_| value.unsigned_abs() <= 1 << 53))
            }
        }
    }

    /// An element that is stored as an integer or a boolean.
    pub fn integer(&self, place: usize) -> Option<i64> {
        let size = self.element.size();
        let raw = self.data.get(place.checked_mul(size)?..)?.get(..size)?;
        let bits = raw.iter().rev().fold(0u64, |bits, &byte| (bits << 8) | u64::from(byte));
        let unused = 64 - 8 * u32::try_from(size).ok()?;
        match self.element {
            ElementType::Signed(_) => Some((bits << unused).cast_signed() >> unused),
            ElementType::Unsigned(_) | ElementType::Bool => i64::try_from(bits).ok(),
            _ => None,
        }
    }
}

/// The number of elements of these extents; none if it overflows, or would where an extent is left out: an extent of 0 makes no
/// others fit.
pub fn count(dims: &[usize]) -> Option<usize> {
    let count = dims.iter().try_fold(1usize, |count, &extent| count.checked_mul(extent.max(1)))?;
    Some(if dims.contains(&0) { 0 } else { count })
}

/// The double of a half: its bits moved, subnormals by their integer. Without branches, so that many are read at once.
#[inline]
#[allow(clippy::float_arithmetic, reason = "exact: an integer of ten bits times a power of two")]
pub fn half(bits: u16) -> f64 {
    let fraction = bits & 1023;
    let exponent = (bits >> 10) & 31;
    let subnormal = f64::from(fraction) * f64::from_bits((1023 - 24) << 52);
    let moved = u64::from(fraction) << 42;
    let normal = (u64::from(exponent) + 1023 - 15) << 52 | moved;
    let magnitude = match exponent {
        0 => subnormal.to_bits(),
        31 => 2047 << 52 | moved,
        _ => normal,
    };
    f64::from_bits(u64::from(bits >> 15) << 63 | magnitude)
}

/// The data of a field of its own type, as bytes.
fn typed(
    element: ElementType,
    floats: &[f32],
    int32s: &[i32],
    int64s: &[i64],
    doubles: &[f64],
    uint64s: &[u64],
) -> Bytes {
    let data: Vec<u8> = match element {
        ElementType::Float32 => floats.iter().flat_map(|value| value.to_le_bytes()).collect(),
        ElementType::Float64 => doubles.iter().flat_map(|value| value.to_le_bytes()).collect(),
        ElementType::Signed(8) => int64s.iter().flat_map(|value| value.to_le_bytes()).collect(),
        ElementType::Unsigned(size @ (4 | 8)) => {
            uint64s.iter().flat_map(|value| value.to_le_bytes().into_iter().take(size.into())).collect()
        }
        _ => {
            let size = element.size();
            int32s.iter().flat_map(|value| value.to_le_bytes().into_iter().take(size)).collect()
        }
    };
    data.into()
}

fn outside(entries: &[super::messages::Entry], external: &mut External<'_>) -> Result<Bytes, ArrayProblem> {
    let find = |key: &str| entries.iter().find(|entry| entry.key == key).map(|entry| entry.value.as_str());
    let refuse = |reason: &str| ArrayProblem::External { reason: reason.to_owned() };
    let number = |key: &str| match find(key).map(str::parse::<u64>) {
        None => Ok(None),
        Some(Ok(number)) => Ok(Some(number)),
        Some(Err(_)) => Err(refuse("its place there is not a number")),
    };
    let location = find("location").ok_or_else(|| refuse("it is not said which"))?;
    let bytes = external(location, number("offset")?.unwrap_or(0), number("length")?);
    bytes.map_err(|reason| ArrayProblem::External { reason })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::element::Element;

    #[test]
    fn halves_are_what_their_bits_say() {
        let element = Element::float(2).unwrap();
        for bits in 0..=u16::MAX {
            let exact = element.decode(&bits.to_le_bytes());
            let double = Some(half(bits)).filter(|double| double.is_finite());
            assert_eq!(
                double.map(f64::to_bits),
                exact.map(|exact| exact.to_f64().to_bits() | u64::from(bits == 1 << 15) << 63)
            );
        }
    }
}

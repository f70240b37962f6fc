//! Constants of a network: arrays as stored, or computed from such arrays in exact numbers.

pub use convproof_files::onnx::count;
use convproof_files::onnx::{Array, ElementType};

use crate::enclosure::Enclosure;
use crate::number::{Number, Numbers};

/// Most elements of an array that is computed rather than stored.
pub const MAX_COMPUTED: usize = 1 << 20;

/// Most elements of an array that is one number everywhere.
const MAX_REPEATED: usize = 1 << 31;

/// An array of exact numbers, the last index fastest.
#[derive(Clone, Debug)]
pub struct Tensor {
    dims: Vec<usize>,
    data: Data,
    /// Whether its type is one of integers, which divide in another way.
    integer: bool,
}

#[derive(Clone, Debug)]
enum Data {
    Stored(Array),
    Computed(Numbers),
    /// So many times the only number of a list.
    Repeated(Numbers, usize),
    /// An array as stored, each slice along an axis times a number of its own.
    Scaled {
        base: Array,
        axis: usize,
        by: Numbers,
    },
}

impl From<Array> for Tensor {
    fn from(array: Array) -> Self {
        let integer = !array.element().is_float();
        Self { dims: array.dims().to_vec(), data: Data::Stored(array), integer }
    }
}

impl Tensor {
    /// Computed elements; `None` if there are too many, or not as many as the extents ask for.
    pub fn computed(dims: Vec<usize>, numbers: Vec<Number>) -> Option<Self> {
        let count = count(&dims)?;
        (count == numbers.len() && count <= MAX_COMPUTED).then(|| Self {
            dims,
            data: Data::Computed(numbers.into()),
            integer: false,
        })
    }

    /// One number everywhere; `None` if there are more elements than a file's array can have.
    pub fn repeated(dims: Vec<usize>, number: Number) -> Option<Self> {
        let count = count(&dims).filter(|&count| count <= MAX_REPEATED)?;
        Some(Self { dims, data: Data::Repeated(vec![number].into(), count), integer: false })
    }

    /// A single number.
    pub fn scalar(number: Number) -> Self {
        Self { dims: Vec::new(), data: Data::Computed(vec![number].into()), integer: false }
    }

    /// Its extents.
    pub fn dims(&self) -> &[usize] {
        &self.dims
    }

    /// Whether its type is one of integers.
    pub fn is_integer(&self) -> bool {
        self.integer
    }

    /// The same elements as those of a type of integers, or of floats.
    #[must_use]
    pub fn typed(self, integer: bool) -> Self {
        Self { integer, ..self }
    }

    /// How many elements it has.
    pub fn len(&self) -> usize {
        match &self.data {
            Data::Stored(array) | Data::Scaled { base: array, .. } => array.len(),
            Data::Computed(numbers) => numbers.len(),
            Data::Repeated(_, count) => *count,
        }
    }

    /// Whether it has no element.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// An element; `None` if it is not a finite number.
    pub fn number(&self, place: usize) -> Option<Number> {
        match &self.data {
            Data::Stored(array) => stored_number(array, place),
            Data::Computed(numbers) => numbers.get(place).cloned(),
            Data::Repeated(numbers, count) if place < *count => numbers.first().cloned(),
            Data::Repeated(..) => None,
            Data::Scaled { base, axis, by } => {
                stored_number(base, place)?.times(by.get(along(&self.dims, *axis, place))?)
            }
        }
    }

    /// Doubles around an element; without bound if it is not a finite number.
    pub fn enclosure(&self, place: usize) -> Enclosure {
        match &self.data {
            Data::Stored(array) => array.float(place).map_or(Enclosure::ALL, Enclosure::point),
            Data::Computed(numbers) => numbers.enclosures().get(place).copied().unwrap_or(Enclosure::ALL),
            Data::Repeated(numbers, count) => {
                let number = if place < *count { numbers.enclosures().first() } else { None };
                number.copied().unwrap_or(Enclosure::ALL)
            }
            Data::Scaled { base, axis, by } => {
                let number = by.enclosures().get(along(&self.dims, *axis, place));
                base.float(place).zip(number).map_or(Enclosure::ALL, |(a, b)| Enclosure::point(a).times(*b))
            }
        }
    }

    /// An element as the double that is stored, infinite ones included.
    #[inline]
    pub fn stored(&self, place: usize) -> Option<f64> {
        match &self.data {
            Data::Stored(array) => array.float(place),
            Data::Computed(_) | Data::Repeated(..) | Data::Scaled { .. } => None,
        }
    }

    /// The bytes of an array that is stored, and the type of its elements.
    pub fn bytes(&self) -> Option<(ElementType, &[u8])> {
        match &self.data {
            Data::Stored(array) => Some((array.element(), array.bytes())),
            _ => None,
        }
    }

    /// All elements; `None` if one is not finite, or there are too many.
    pub fn numbers(&self) -> Option<Vec<Number>> {
        if self.len() > MAX_COMPUTED {
            return None;
        }
        (0..self.len()).map(|place| self.number(place)).collect()
    }

    /// All elements if they are integers of machine size.
    pub fn integers(&self) -> Option<Vec<i64>> {
        if self.len() > MAX_COMPUTED {
            return None;
        }
        (0..self.len()).map(|place| self.number(place)?.as_rational()?.as_i64()).collect()
    }

    /// Whether it has more elements than are looked at one by one, and is not held.
    pub fn is_huge(&self) -> bool {
        matches!(self.data, Data::Repeated(..)) && self.len() > MAX_COMPUTED
    }

    /// The number that all its elements are.
    pub fn uniform(&self) -> Option<Number> {
        let same = match &self.data {
            Data::Stored(array) => {
                let mut chunks = array.bytes().chunks_exact(array.element().size());
                chunks.next().is_some_and(|first| chunks.all(|chunk| chunk == first))
            }
            Data::Computed(numbers) => numbers.windows(2).all(|pair| pair[0] == pair[1]),
            Data::Repeated(..) => true,
            Data::Scaled { .. } => self.len() == 1,
        };
        if same { self.number(0) } else { None }
    }

    /// The same elements with other extents.
    pub fn reshaped(&self, dims: Vec<usize>) -> Option<Self> {
        let data = match &self.data {
            Data::Stored(array) => Data::Stored(array.reshaped(dims.clone())?),
            Data::Computed(numbers) if count(&dims)? == numbers.len() => Data::Computed(numbers.clone()),
            Data::Repeated(number, same) if count(&dims)? == *same => Data::Repeated(number.clone(), *same),
            Data::Computed(_) | Data::Repeated(..) => return None,
            Data::Scaled { .. } => {
                let numbers = self.numbers().filter(|numbers| count(&dims) == Some(numbers.len()))?;
                Data::Computed(numbers.into())
            }
        };
        Some(Self { dims, data, integer: self.integer })
    }

    /// The array of the elements at these places.
    pub fn gathered(&self, dims: Vec<usize>, places: impl Iterator<Item = usize>) -> Option<Self> {
        let data = match &self.data {
            Data::Stored(array) => Data::Stored(array.gathered(dims.clone(), places)?),
            Data::Computed(numbers) => {
                let numbers: Option<Vec<Number>> = places.map(|place| numbers.get(place).cloned()).collect();
                Data::Computed(numbers?.into())
            }
            Data::Repeated(..) | Data::Scaled { .. } => {
                let numbers: Option<Vec<Number>> =
                    places.take(MAX_COMPUTED + 1).map(|place| self.number(place)).collect();
                return Self::computed(dims, numbers?).map(|tensor| tensor.typed(self.integer));
            }
        };
        Some(Self { dims, data, integer: self.integer })
    }

    /// The array with its axes in another order.
    pub fn transposed(&self, order: &[usize]) -> Option<Self> {
        let dims: Option<Vec<usize>> = order.iter().map(|&axis| self.dims.get(axis).copied()).collect();
        let strides = strides(&self.dims);
        let steps: Vec<usize> = order.iter().filter_map(|&axis| strides.get(axis).copied()).collect();
        let dims = dims?;
        if let Data::Repeated(..) = self.data {
            return self.reshaped(dims);
        }
        let places = indices(&dims).map(|index| index.iter().zip(&steps).map(|(&i, &step)| i * step).sum());
        self.gathered(dims.clone(), places)
    }

    /// The array repeated along axes of extent 1, so that it has these extents.
    pub fn expanded(&self, dims: &[usize]) -> Option<Self> {
        let wanted = count(dims)?;
        Broadcast::new(&self.dims, dims)?;
        if let (1, Some(number)) = (self.len(), self.number(0)) {
            return Self::repeated(dims.to_vec(), number).map(|tensor| tensor.typed(self.integer));
        }
        if wanted > MAX_COMPUTED.max(self.len()) {
            return None;
        }
        let places: Option<Vec<usize>> = Broadcast::new(&self.dims, dims)
            .map(|walk| indices(dims).map(|index| walk.place(&index)).collect());
        self.gathered(dims.to_vec(), places?.into_iter())
    }

    /// The results of an operation element by element, extents of 1 repeated.
    pub fn combined(&self, other: &Self, op: impl Fn(&Number, &Number) -> Option<Number>) -> Option<Self> {
        let dims = broadcast(&self.dims, &other.dims)?;
        if count(&dims)? > MAX_COMPUTED {
            return None;
        }
        let (own, others) = (Broadcast::new(&self.dims, &dims)?, Broadcast::new(&other.dims, &dims)?);
        let numbers: Option<Vec<Number>> = indices(&dims)
            .map(|index| op(&self.number(own.place(&index))?, &other.number(others.place(&index))?))
            .collect();
        Self::computed(dims, numbers?).map(|tensor| tensor.typed(self.integer && other.integer))
    }

    /// The products element by element, extents of 1 repeated; those of a stored array and one number for each slice
    /// along an axis are left as they are.
    pub fn times(&self, other: &Self) -> Option<Self> {
        let scaled = self.slices_times(other).or_else(|| other.slices_times(self));
        scaled.or_else(|| self.combined(other, Number::times))
    }

    /// The array with its slices along the only long axis of another one times the elements of that.
    fn slices_times(&self, other: &Self) -> Option<Self> {
        let missing = self.dims.len().checked_sub(other.dims.len())?;
        let long = |(_, extent): &(usize, &usize)| **extent != 1;
        let mut axes = other.dims.iter().enumerate().filter(long);
        let (axis, extent) = axes.next()?;
        let axis = axis + missing;
        if axes.next().is_some() || self.dims[axis] != *extent || self.len() <= other.len() || self.integer {
            return None;
        }
        let numbers = other.numbers()?;
        let (base, by) = match &self.data {
            Data::Stored(array) if array.element().is_float() => (array.clone(), numbers),
            Data::Scaled { base, axis: own, by } if *own == axis => {
                let products: Option<Vec<Number>> =
                    by.iter().zip(&numbers).map(|(a, b)| a.times(b)).collect();
                (base.clone(), products?)
            }
            _ => return None,
        };
        let data = Data::Scaled { base, axis, by: by.into() };
        Some(Self { dims: self.dims.clone(), data, integer: false })
    }

    /// The array without the numbers that its slices along an axis are multiplied by, the axis and the numbers.
    pub fn without_scale(&self) -> (Self, Option<(usize, Numbers)>) {
        match &self.data {
            Data::Scaled { base, axis, by } => (base.clone().into(), Some((*axis, by.clone()))),
            _ => (self.clone(), None),
        }
    }

    /// The results of an operation on each element.
    pub fn mapped(&self, op: impl Fn(&Number) -> Option<Number>) -> Option<Self> {
        let numbers: Option<Vec<Number>> = self.numbers()?.iter().map(op).collect();
        Self::computed(self.dims.clone(), numbers?).map(|tensor| tensor.typed(self.integer))
    }

    /// Whether both have the same extents and elements; false too where that cannot be afforded.
    pub fn same(&self, other: &Self) -> bool {
        if self.dims != other.dims {
            return false;
        }
        match (&self.data, &other.data) {
            (Data::Stored(a), Data::Stored(b)) if a.element() == b.element() => a.bytes() == b.bytes(),
            (Data::Repeated(a, _), Data::Repeated(b, _)) => a == b,
            _ if self.len() > MAX_COMPUTED => false,
            _ => (0..self.len()).all(|place| self.same_at(other, place)),
        }
    }

    /// Whether both have the same number at a place.
    fn same_at(&self, other: &Self, place: usize) -> bool {
        match (self.stored(place), other.stored(place)) {
            (Some(a), Some(b)) => a == b && a.is_finite(),
            _ => self.number(place).is_some_and(|number| Some(number) == other.number(place)),
        }
    }
}

fn stored_number(array: &Array, place: usize) -> Option<Number> {
    match array.integer(place) {
        Some(integer) => Some(integer.into()),
        None => Number::from_f64(array.float(place)?),
    }
}

/// The index along an axis of the element at a place.
fn along(dims: &[usize], axis: usize, place: usize) -> usize {
    let inner: usize = dims[axis + 1..].iter().product();
    place / inner.max(1) % dims[axis].max(1)
}

/// How far apart neighbours along each axis stand.
pub fn strides(dims: &[usize]) -> Vec<usize> {
    let mut strides = vec![1usize; dims.len()];
    for axis in (1..dims.len()).rev() {
        strides[axis - 1] = strides[axis].saturating_mul(dims[axis]);
    }
    strides
}

/// All indices of an array, the last fastest.
pub fn indices(dims: &[usize]) -> impl Iterator<Item = Vec<usize>> {
    let count = count(dims).unwrap_or(0);
    let dims = dims.to_vec();
    let mut index = vec![0; dims.len()];
    (0..count).map(move |n| {
        if n > 0 {
            for (place, &extent) in index.iter_mut().zip(&dims).rev() {
                *place += 1;
                if *place < extent {
                    break;
                }
                *place = 0;
            }
        }
        index.clone()
    })
}

/// The extents of the result of an operation element by element.
pub fn broadcast(a: &[usize], b: &[usize]) -> Option<Vec<usize>> {
    let rank = a.len().max(b.len());
    let at = |dims: &[usize], axis: usize| {
        let missing = rank - dims.len();
        if axis < missing { 1 } else { dims[axis - missing] }
    };
    let joined = |axis| match (at(a, axis), at(b, axis)) {
        (x, y) if x == y => Some(x),
        (1, y) => Some(y),
        (x, 1) => Some(x),
        _ => None,
    };
    (0..rank).map(joined).collect()
}

/// Where the elements of an array stand that is repeated to larger extents.
pub struct Broadcast {
    steps: Vec<usize>,
}

impl Broadcast {
    /// `None` if the extents do not fit.
    pub fn new(from: &[usize], to: &[usize]) -> Option<Self> {
        let missing = to.len().checked_sub(from.len())?;
        let own = strides(from);
        let step = |axis: usize| {
            let Some(axis_from) = axis.checked_sub(missing) else { return Some(0) };
            match from[axis_from] {
                1 => Some(0),
                extent if extent == to[axis] => Some(own[axis_from]),
                _ => None,
            }
        };
        Some(Self { steps: (0..to.len()).map(step).collect::<Option<_>>()? })
    }

    /// The place of the element that stands at this index.
    pub fn place(&self, index: &[usize]) -> usize {
        index.iter().zip(&self.steps).map(|(&i, &step)| i * step).sum()
    }
}

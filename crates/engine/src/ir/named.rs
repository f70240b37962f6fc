//! Layers that are asked for by a name and whole numbers. Specs, the Rust API and its listings read them here, so that a layer
//! is put into words once.
//!
//! Those with a definition of their own stand in `composite.rs`, beside it.

use super::composite::COMPOSITES;
use super::{Axes, Layer, Upsample};

/// No stride, extent or number of channels of a layer is larger.
pub const MAX_EXTENT: i64 = 65536;
/// No block of `space_to_depth` and `depth_to_space` is larger.
pub const MAX_BLOCK: i64 = 256;
/// No layer that makes so many outputs along an axis, whatever the input, makes more.
pub const MAX_OUTPUTS: i64 = 256;

/// A layer by its name.
#[derive(Debug)]
pub struct Named {
    /// What it is called.
    pub name: &'static str,
    /// How it is written, for hints.
    pub text: &'static str,
    /// What its arguments are called.
    pub arguments: &'static [&'static str],
    /// What they are, in the same order.
    pub numbers: &'static [LayerNumber],
    pub(super) make: fn(&[Axes<usize>]) -> Layer,
}

/// A whole number, or one for each axis.
#[derive(Clone, Copy, Debug)]
pub struct LayerNumber {
    /// `the stride`.
    pub what: &'static str,
    /// The smallest and the largest that may be; not negative.
    pub range: [i64; 2],
    /// Whether each axis may have one of its own.
    pub per_axis: bool,
}

impl LayerNumber {
    /// One number, from 1 to another one.
    pub(super) const fn one(what: &'static str, most: i64) -> Self {
        Self { what, range: [1, most], per_axis: false }
    }

    /// One for each axis, from 1 to another one.
    pub(super) const fn each(what: &'static str, most: i64) -> Self {
        Self { what, range: [1, most], per_axis: true }
    }
}

impl Named {
    /// A layer without arguments.
    pub(super) const fn plain(name: &'static str, make: fn(&[Axes<usize>]) -> Layer) -> Self {
        Self { name, text: name, arguments: &[], numbers: &[], make }
    }

    /// All of them.
    pub fn all() -> impl Iterator<Item = &'static Self> {
        FIRST.iter().chain(&COMPOSITES)
    }

    /// The one with a name.
    pub fn of(name: &str) -> Option<&'static Self> {
        Self::all().find(|named| named.name == name)
    }

    /// Whether it came after specs had been written, so that these may use its name for something else.
    pub fn came_later(&self) -> bool {
        COMPOSITES.iter().any(|named| named.name == self.name)
    }

    /// The layer with these numbers, one list for each argument; `None` if there are fewer than arguments.
    pub fn layer(&self, numbers: &[Axes<usize>]) -> Option<Layer> {
        (numbers.len() == self.numbers.len()).then(|| (self.make)(numbers))
    }
}

const FIRST: [Named; 7] = [
    Named::plain("relu", |_| Layer::Relu),
    Named::plain("global_avgpool", |_| Layer::GlobalAverage),
    Named {
        name: "subsample",
        text: "subsample(s)",
        arguments: &["s"],
        numbers: &[LayerNumber::each("the stride", MAX_EXTENT)],
        make: |numbers| Layer::Subsample(numbers[0]),
    },
    Named {
        name: "upsample",
        text: "upsample(n)",
        arguments: &["n"],
        numbers: &[LayerNumber::each("the factor", MAX_EXTENT)],
        make: |numbers| Layer::Upsample(Upsample { factor: numbers[0], nearest: true }),
    },
    Named {
        name: "zero_insert",
        text: "zero_insert(n)",
        arguments: &["n"],
        numbers: &[LayerNumber::each("the factor", MAX_EXTENT)],
        make: |numbers| Layer::Upsample(Upsample { factor: numbers[0], nearest: false }),
    },
    Named {
        name: "space_to_depth",
        text: "space_to_depth(n)",
        arguments: &["n"],
        numbers: &[LayerNumber::one("the block", MAX_BLOCK)],
        make: |numbers| Layer::SpaceToDepth(numbers[0][0]),
    },
    Named {
        name: "depth_to_space",
        text: "depth_to_space(n)",
        arguments: &["n"],
        numbers: &[LayerNumber::one("the block", MAX_BLOCK)],
        make: |numbers| Layer::DepthToSpace(numbers[0][0]),
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_have_a_name_of_their_own_and_a_number_for_each_argument() {
        for (at, named) in Named::all().enumerate() {
            assert_eq!(Named::all().position(|other| other.name == named.name), Some(at));
            assert_eq!(named.arguments.len(), named.numbers.len(), "{}", named.name);
            assert!(named.text.starts_with(named.name));
            assert!(
                named.numbers.iter().all(|number| 0 <= number.range[0] && number.range[0] <= number.range[1])
            );
            let numbers = vec![[2; super::super::AXES]; named.numbers.len()];
            assert!(named.layer(&numbers).is_some());
            assert_eq!(named.layer(&[numbers, vec![[1; super::super::AXES]]].concat()), None);
        }
    }
}

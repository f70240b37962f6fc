//! Where sides that differ agree, as data.

use serde::Serialize;

use convproof_engine::prove::region::{Agreement, LengthSet, SizeBox};

/// Where sides that differ agree.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Place {
    /// At this size: how many output positions differ for general weights and inputs, of how many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wrong_positions: Option<[usize; 2]>,
    /// Which ones, row by row: `#` differs, `.` does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wrong_map: Option<Vec<String>>,
    /// The same count for an image of typical size.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub typical: Option<Typical>,
    /// In words.
    pub agreement: Vec<String>,
    /// As data, one for each sentence.
    pub agrees: Vec<Agrees>,
}

/// How many output positions differ for an image of typical size.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Typical {
    /// Height and width of the image.
    pub input_size: [i64; 2],
    /// How many output positions differ for general weights and inputs, of how many.
    pub wrong_positions: [usize; 2],
}

/// Where sides agree, as data.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "where", rename_all = "snake_case")]
pub enum Agrees {
    /// At no size.
    Nowhere,
    /// At the sizes in at least one of some boxes, and at no other; if there is a bound, at no other below it.
    Sizes {
        /// The boxes.
        boxes: Vec<Sides>,
        /// The bound on height and width.
        below: Option<i64>,
    },
    /// At every size, except within some rows and columns of the border.
    Interior {
        /// How many at the top, left, bottom and right.
        ring: [i64; 4],
        /// Whether every position there differs.
        exactly: bool,
    },
    /// At some sizes, these among them.
    Some {
        /// The sizes.
        sizes: Vec<[i64; 2]>,
    },
    /// Where scalars are 0.
    Zero {
        /// Their names.
        names: Vec<String>,
    },
}

impl Agrees {
    /// The data of a description.
    pub fn of(agreement: &Agreement) -> Self {
        let all = |boxes: &[SizeBox]| boxes.iter().map(Sides::of).collect();
        match agreement {
            Agreement::Nowhere => Self::Nowhere,
            Agreement::Sizes(boxes) => Self::Sizes { boxes: all(boxes), below: None },
            Agreement::SizesBelow(boxes, bound) => Self::Sizes { boxes: all(boxes), below: Some(*bound) },
            Agreement::Interior { ring, exactly } => Self::Interior { ring: *ring, exactly: *exactly },
            Agreement::Some(sizes) => Self::Some { sizes: sizes.clone() },
            Agreement::IfZero(names) => Self::Zero { names: names.clone() },
        }
    }
}

/// A box of sizes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Sides {
    /// Which heights; all if none.
    pub height: Option<Lengths>,
    /// Which widths.
    pub width: Option<Lengths>,
}

impl Sides {
    fn of(sizes: &SizeBox) -> Self {
        Self { height: sizes.height.as_ref().map(Lengths::of), width: sizes.width.as_ref().map(Lengths::of) }
    }
}

/// A set of lengths: those in `small`, and from `from` on those with a remainder among `residues`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Lengths {
    /// Smaller lengths.
    pub small: Vec<i64>,
    /// Where the rule begins.
    pub from: i64,
    /// What is divided by.
    pub modulus: i64,
    /// The remainders.
    pub residues: Vec<i64>,
}

impl Lengths {
    fn of(set: &LengthSet) -> Self {
        let LengthSet { from, modulus, residues, small } = set.clone();
        Self { small, from, modulus, residues }
    }
}

//! What shows verdicts about products of kernels, as data.

use std::collections::BTreeMap;

use num_bigint::BigInt;
use serde::{Serialize, Serializer};

use super::numbers::{Matrix, optional_text, text};
use convproof_exact::Rational;
use convproof_factor::fit::{Cases, Certificate};

/// Whether there are solutions over the rational, real and complex numbers; none where that is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[allow(non_snake_case)]
pub struct Over {
    /// Over ℚ.
    pub Q: Option<bool>,
    /// Over ℝ.
    pub R: Option<bool>,
    /// Over ℂ.
    pub C: Option<bool>,
}

impl Over {
    /// The same over all of them.
    pub fn all(exists: bool) -> Self {
        let exists = Some(exists);
        Self { Q: exists, R: exists, C: exists }
    }
}

/// A polynomial as content, shifts and irreducible factors.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Factors {
    /// The dilation, where it is not the kernel but the common divisor of its phases, the entries so far apart.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phases: Option<[usize; 2]>,
    /// The rational number before the factors.
    #[serde(serialize_with = "text")]
    pub content: BigInt,
    /// By how many rows it is shifted.
    pub row_shift: usize,
    /// By how many columns.
    pub column_shift: usize,
    /// The factors.
    pub factors: Vec<IrreducibleFactor>,
}

/// An irreducible factor.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(non_snake_case)]
pub struct IrreducibleFactor {
    /// Its kernel.
    pub kernel: Matrix<BigInt>,
    /// How often it occurs.
    pub multiplicity: usize,
    /// Into how many factors it splits over ℝ.
    pub over_R: Option<usize>,
    /// Over ℂ.
    pub over_C: Option<usize>,
    /// Why into no more.
    pub certificate: Option<String>,
}

/// The field that the entries of a real factor are in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FactorField {
    /// Which irreducible factor it comes from.
    pub factor: usize,
    /// A polynomial with a root that generates it.
    pub polynomial: String,
}

/// Nearest factors, what they leave, and what no factors can leave less than.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Fit {
    /// The factors by name.
    pub kernels: BTreeMap<String, Matrix<Rational>>,
    /// What they leave.
    pub residual: Matrix<Rational>,
    /// The square of its norm.
    #[serde(serialize_with = "text")]
    pub residual_squared: Rational,
    /// The same, divided by that of the kernel.
    #[serde(serialize_with = "optional_text")]
    pub relative_squared: Option<Rational>,
    /// Its largest entry.
    #[serde(serialize_with = "text")]
    pub largest: Rational,
    /// Row and column of it.
    pub largest_at: [usize; 2],
    /// No choice of factors leaves less.
    #[serde(serialize_with = "optional_text")]
    pub lower_bound_squared: Option<Rational>,
    /// What that rests on.
    pub bound_method: Option<&'static str>,
    /// Multipliers to check it by; see `docs/semantics-bounds.md`.
    #[serde(serialize_with = "certificate")]
    pub certificate: Option<Certificate>,
    /// By what share the residual may be above the least.
    #[serde(serialize_with = "optional_text")]
    pub optimal_within: Option<Rational>,
    /// Starts of the search.
    pub starts: usize,
    /// How many of them reached this value.
    pub reached: usize,
    /// Whether the search ended by itself.
    pub converged: bool,
}

fn certificate<S: Serializer>(certificate: &Option<Certificate>, serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Shown {
        factors: [(usize, usize); 2],
        target: Matrix<BigInt>,
        known: Matrix<BigInt>,
        unit: String,
        rounding: String,
        bits: u32,
        least: String,
        #[serde(flatten)]
        cases: ShownCases,
    }
    let shown = certificate.as_ref().map(|of| Shown {
        factors: of.sizes,
        target: Matrix(of.target.clone()),
        known: Matrix(of.known.clone()),
        unit: of.unit.to_string(),
        rounding: of.rounding.to_string(),
        bits: of.bits,
        least: of.least.to_string(),
        cases: ShownCases::new(&of.cases),
    });
    shown.serialize(serializer)
}

/// Multipliers, at once or by cases.
#[derive(Serialize)]
#[serde(untagged)]
enum ShownCases {
    One {
        multipliers: Vec<String>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        weights: Vec<Matrix<BigInt>>,
    },
    Two {
        form: ShownForm,
        cases: Vec<Self>,
    },
}

#[derive(Serialize)]
struct ShownForm {
    factor: usize,
    matrix: Matrix<BigInt>,
}

impl ShownCases {
    fn new(cases: &Cases) -> Self {
        match cases {
            Cases::One { multipliers, weights } => Self::One {
                multipliers: multipliers.iter().map(ToString::to_string).collect(),
                weights: weights.iter().cloned().map(Matrix).collect(),
            },
            Cases::Two(form, inner) => Self::Two {
                form: ShownForm { factor: form.factor, matrix: Matrix(form.matrix.clone()) },
                cases: inner.iter().map(Self::new).collect(),
            },
        }
    }
}

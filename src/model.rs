//! Kernels and stacks built in Rust code, for tests: ask for a verdict, or assert equality.
//!
//! A value is an expression of the spec language with the free kernels that occur in it; a verdict is that of
//! the claim written with them. See `docs/language.md` for what each function and layer means.
//!
//! ```
//! use convproof::assert_equivalent;
//! use convproof::model::{Kernel, avgpool, conv};
//!
//! let a = Kernel::free("A", 3, 3);
//! let b = Kernel::free("B", 3, 3);
//! assert_equivalent!(conv(&a).then(conv(&b)), conv(&(&a * &b)));
//! assert_equivalent!(avgpool(2).then(conv(&a)), conv(&(a.repeat(2) / 4)).stride(2));
//! ```

use std::collections::BTreeMap;
use std::fmt;
use std::ops::{Add, Div, Mul, Neg, Sub};

use crate::check::{Files, check};
use crate::report::{Outcome, text};
use crate::source::Source;

/// Free kernels by name, with the indices they are declared with.
type Free = BTreeMap<String, Vec<usize>>;

/// A kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kernel {
    text: String,
    free: Free,
}

/// A stack of layers; a layer is a stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stack {
    text: String,
    /// Arguments of a single layer that can still be added.
    open: Option<Vec<String>>,
    free: Free,
}

fn both(left: &Free, right: &Free) -> Free {
    left.iter().chain(right).map(|(name, shape)| (name.clone(), shape.clone())).collect()
}

impl Kernel {
    /// A free `height × width` kernel: every statement about it is for all its values.
    pub fn free(name: &str, height: usize, width: usize) -> Self {
        Self::declared(name, vec![height, width])
    }

    /// A free kernel `[outputs, inputs, height, width]`.
    pub fn free_channels(name: &str, outputs: usize, inputs: usize, height: usize, width: usize) -> Self {
        Self::declared(name, vec![outputs, inputs, height, width])
    }

    fn declared(name: &str, shape: Vec<usize>) -> Self {
        Self { text: name.to_owned(), free: [(name.to_owned(), shape)].into() }
    }

    /// A kernel of integers.
    pub fn from_rows<const H: usize, const W: usize>(rows: [[i64; W]; H]) -> Self {
        let row = |row: &[i64; W]| format!("[{}]", row.map(|entry| entry.to_string()).join(", "));
        Self { text: format!("[{}]", rows.each_ref().map(row).join(", ")), free: Free::new() }
    }

    fn call(&self, function: &str, arguments: &str) -> Self {
        Self { text: format!("{function}({}{arguments})", self.text), free: self.free.clone() }
    }

    /// `n − 1` zeros between entries.
    #[must_use]
    pub fn dilate(&self, n: usize) -> Self {
        self.call("dilate", &format!(", {n}"))
    }

    /// Each entry becomes an `n × n` block.
    #[must_use]
    pub fn repeat(&self, n: usize) -> Self {
        self.call("repeat", &format!(", {n}"))
    }

    /// Both axes reversed.
    #[must_use]
    pub fn flip(&self) -> Self {
        self.call("flip", "")
    }

    /// Rows and columns exchanged.
    #[must_use]
    pub fn transpose(&self) -> Self {
        self.call("transpose", "")
    }
}

macro_rules! kernel_operator {
    ($trait:ident, $method:ident, $sign:literal) => {
        impl $trait for &Kernel {
            type Output = Kernel;
            fn $method(self, other: &Kernel) -> Kernel {
                let text = format!("({} {} {})", self.text, $sign, other.text);
                Kernel { text, free: both(&self.free, &other.free) }
            }
        }
    };
}

kernel_operator!(Add, add, "+");
kernel_operator!(Sub, sub, "-");
kernel_operator!(Mul, mul, "*");

impl Div<i64> for Kernel {
    type Output = Kernel;
    fn div(self, divisor: i64) -> Kernel {
        Kernel { text: format!("({} / ({divisor}))", self.text), free: self.free }
    }
}

impl Neg for Kernel {
    type Output = Kernel;
    fn neg(self) -> Kernel {
        Kernel { text: format!("(-{})", self.text), free: self.free }
    }
}

fn layer(name: &str, arguments: Vec<String>, free: Free) -> Stack {
    Stack { text: name.to_owned(), open: Some(arguments), free }
}

/// Cross-correlation with a kernel; stride 1 and no padding until said otherwise.
pub fn conv(kernel: &Kernel) -> Stack {
    layer("conv", vec![kernel.text.clone()], kernel.free.clone())
}

/// Transposed convolution with a kernel `[in, out, h, w]`.
pub fn convtranspose(kernel: &Kernel) -> Stack {
    layer("convtranspose", vec![kernel.text.clone()], kernel.free.clone())
}

/// Average pooling over `n × n` windows, stride `n`.
pub fn avgpool(n: usize) -> Stack {
    layer("avgpool", vec![n.to_string()], Free::new())
}

/// Maximum over `n × n` windows, stride `n`.
pub fn maxpool(n: usize) -> Stack {
    layer("maxpool", vec![n.to_string()], Free::new())
}

/// Every `n`-th row and column.
pub fn subsample(n: usize) -> Stack {
    layer("subsample", vec![n.to_string()], Free::new())
}

/// Each entry repeated `n` times along both axes.
pub fn upsample(n: usize) -> Stack {
    layer("upsample", vec![n.to_string()], Free::new())
}

/// `max(x, 0)`.
pub fn relu() -> Stack {
    Stack { text: "relu".to_owned(), open: None, free: Free::new() }
}

/// The image as it is.
pub fn id() -> Stack {
    Stack { text: "id".to_owned(), open: None, free: Free::new() }
}

impl Stack {
    /// Any stack in the spec language, such as `conv(A, padding=same) -> relu`, over given free kernels.
    pub fn parse(text: &str, kernels: &[&Kernel]) -> Self {
        let free = kernels.iter().fold(Free::new(), |all, kernel| both(&all, &kernel.free));
        Self { text: format!("({text})"), open: None, free }
    }

    fn argument(mut self, name: &str, value: usize) -> Self {
        if let Some(arguments) = &mut self.open {
            arguments.push(format!("{name}={value}"));
        }
        self
    }

    /// The stride of a layer; nothing on stacks of several layers.
    #[must_use]
    pub fn stride(self, n: usize) -> Self {
        self.argument("stride", n)
    }

    /// The dilation of a layer; nothing on stacks of several layers.
    #[must_use]
    pub fn dilation(self, n: usize) -> Self {
        self.argument("dilation", n)
    }

    /// Zero padding on all sides of a layer; nothing on stacks of several layers.
    #[must_use]
    pub fn padding(self, n: usize) -> Self {
        self.argument("padding", n)
    }

    /// First this stack, then another.
    #[must_use]
    #[allow(clippy::needless_pass_by_value)] // reads as a chain of layers
    pub fn then(self, next: Self) -> Self {
        let text = format!("({self} -> {next})");
        Self { text, open: None, free: both(&self.free, &next.free) }
    }
}

impl Add for Stack {
    type Output = Stack;
    fn add(self, other: Stack) -> Stack {
        let text = format!("({self} + {other})");
        Stack { text, open: None, free: both(&self.free, &other.free) }
    }
}

impl fmt::Display for Stack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.open {
            None => f.write_str(&self.text),
            Some(arguments) => write!(f, "{}({})", self.text, arguments.join(", ")),
        }
    }
}

/// What came of a claim, and the words that show it: a derivation, or a counterexample.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// Proved, refuted or unknown.
    pub outcome: Outcome,
    /// The explanation.
    pub explanation: String,
}

/// Models load no files.
struct NoFiles;

impl Files for NoFiles {
    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        Err(format!("{path}: models load no files"))
    }
}

/// Whether two stacks are the same function for all weights, inputs and input sizes.
///
/// # Errors
/// What is wrong with the stacks, in words: channels that do not fit, a stride of 0, a name that is no name.
///
/// ```
/// use convproof::model::{Kernel, conv, equivalence, relu};
/// use convproof::report::Outcome;
/// let a = Kernel::free("A", 3, 3);
/// let verdict = equivalence(&conv(&a), &conv(&a).then(relu())).unwrap();
/// assert_eq!(verdict.outcome, Outcome::Refuted);
/// ```
pub fn equivalence(left: &Stack, right: &Stack) -> Result<Verdict, String> {
    let mut spec = String::new();
    for (name, shape) in both(&left.free, &right.free) {
        let shape: Vec<String> = shape.iter().map(ToString::to_string).collect();
        spec.push_str(&format!("kernel {name}[{}]\n", shape.join(",")));
    }
    spec.push_str(&format!("prove {left} == {right}\n"));
    let report = check(&Source::new("model", spec), &NoFiles, &mut |_| {});
    if !report.errors.is_empty() {
        let errors: Vec<String> =
            report.errors.iter().map(|error| format!("{}: {}", error.code, error.message)).collect();
        return Err(errors.join("\n"));
    }
    let options = text::Options { detail: text::Detail::Full, ..text::Options::default() };
    let explanation = text::file(&report, options);
    let outcome = report.claims().next().map_or(Outcome::Unknown, |claim| claim.outcome);
    Ok(Verdict { outcome, explanation })
}

/// Asserts that two stacks of [`model`](crate::model) are the same function; the message of a failure is the
/// counterexample.
///
/// # Panics
/// If they are not, or if that could not be decided.
#[macro_export]
macro_rules! assert_equivalent {
    ($left:expr, $right:expr $(,)?) => {
        match $crate::model::equivalence(&$left, &$right) {
            Ok(verdict) if verdict.outcome == $crate::report::Outcome::Proved => {}
            Ok(verdict) => panic!("the stacks are not equivalent:\n{}", verdict.explanation),
            Err(message) => panic!("the stacks cannot be compared:\n{message}"),
        }
    };
}

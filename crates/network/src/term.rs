//! Terms: inputs, and operators that are not linear, applied to affine forms of earlier terms.

use crate::dim::Dim;
use crate::form::{Form, TermId};
use crate::tensor::Tensor;

/// What an operator does to its operands, as far as a proof uses it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// An input of the network.
    Input,
    /// An array, read as an image.
    Constant,
    /// Acts on each channel alone.
    Channelwise,
    /// The same, and a positive factor of a channel comes out.
    Homogeneous,
    /// A product of its operands, in any order.
    Product,
    /// A function of its operands in any order, of which nothing else is used.
    Symmetric,
    /// A linear map that another one reads across a border.
    Cut,
    /// A function of which nothing is used but that it is one.
    Function,
    /// An output of the network.
    Output,
}

impl Kind {
    /// Whether the operands of such an operator stand in no order.
    pub fn is_symmetric(self) -> bool {
        matches!(self, Self::Product | Self::Symmetric)
    }

    /// That of a function of which nothing is used but, for some operators, that its operands stand in no order.
    pub fn of_function(operator: &str) -> Self {
        match operator {
            "Add" | "And" | "BitwiseAnd" | "BitwiseOr" | "BitwiseXor" | "Equal" | "Max" | "Mean" | "Min"
            | "Mul" | "Or" | "Sum" | "Xor" => Self::Symmetric,
            _ => Self::Function,
        }
    }
}

/// An operator with its attributes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Op {
    /// What is used of it.
    pub kind: Kind,
    /// Its name and attributes, in one spelling.
    pub name: String,
}

/// A term.
#[derive(Clone, Debug)]
pub struct Term {
    /// The operator.
    pub op: Op,
    /// Its operands.
    pub args: Vec<Form>,
    /// The extents of its value.
    pub shape: Vec<Dim>,
    /// The elements of a constant.
    pub constant: Option<Tensor>,
    /// The node of its file that makes it.
    pub node: Option<usize>,
}

impl Op {
    /// An operator.
    pub fn new(kind: Kind, name: impl Into<String>) -> Self {
        Self { kind, name: name.into() }
    }

    /// The operator without its settings.
    pub fn word(&self) -> &str {
        self.name.split(' ').next().unwrap_or_default()
    }
}

impl Term {
    /// The sources of each operand.
    pub fn sources(&self) -> Vec<Vec<TermId>> {
        self.args.iter().map(sources).collect()
    }

    /// Whether none of its values is negative, whatever the inputs.
    pub fn is_nonnegative(&self) -> bool {
        let by_name = ["relu", "sat", "Sigmoid", "abs", "Softmax", "Exp"];
        by_name.iter().any(|name| self.op.name == *name || self.op.name.starts_with(&format!("{name} ")))
    }
}

/// The sources of a form.
pub fn sources(form: &Form) -> Vec<TermId> {
    form.parts.iter().map(|part| part.source).collect()
}

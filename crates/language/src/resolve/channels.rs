//! Whether the sizes of a claim are numbers of channels alone, so that it is about matrices of any such size.

use super::builtins;
use super::families::Family;
use crate::syntax::ast::{Declared, Expr, ExprKind, StatementKind};
use crate::syntax::names;

/// Layers and functions that treat all channels alike.
const ALIKE: [&str; 37] = [
    "id",
    "conv",
    "bias",
    "batchnorm",
    "scale",
    "avgpool",
    "sumpool",
    "subsample",
    "pad",
    "crop",
    "sqrt",
    "hadamard",
    "scale_rows",
    "scale_columns",
    "dilate",
    "valid",
    "relu",
    "relu6",
    "abs",
    "leakyrelu",
    "maxpool",
    "eye",
    "sigmoid",
    "tanh",
    "softplus",
    "silu",
    "gelu",
    "gelu_tanh",
    "hardswish",
    "hardsigmoid",
    "clip",
    "upsample",
    "zero_insert",
    "convtranspose",
    "swap_channels",
    "flip",
    "repeat",
];

impl Family {
    /// Whether its sizes are numbers of channels of free kernels and lengths of free vectors, and nothing in it tells one
    /// channel from another.
    pub fn counts_channels(&self) -> bool {
        let sized = |expr: &Expr| self.mentions(expr);
        let mut vectors: Vec<&str> = Vec::new();
        for statement in &self.declarations {
            let fine = match &statement.kind {
                StatementKind::Kernel { target, value: None } => {
                    if target.shape.as_ref().is_some_and(|shape| shape.len() == 1) {
                        vectors.push(&target.name.text);
                    }
                    self.is_matrix(target)
                }
                StatementKind::Kernel { target: Declared { name, shape: None }, value: Some(value) } => {
                    if is_vector(value, &vectors) {
                        vectors.push(&name.text);
                    }
                    !sized(value) && alike(value, &vectors, true)
                }
                StatementKind::Stack { value, .. } => !sized(value) && alike(value, &vectors, false),
                _ => false,
            };
            if !fine {
                return false;
            }
        }
        self.sides()
            .is_some_and(|sides| sides.into_iter().all(|side| !sized(side) && alike(side, &vectors, false)))
    }

    /// Whether a size occurs other than as the number of channels of the identity.
    fn mentions(&self, expr: &Expr) -> bool {
        match &expr.kind {
            ExprKind::Call(..) if is_identity(expr) => false,
            ExprKind::Call(callee, arguments) => {
                self.mentions(callee) || arguments.iter().any(|argument| self.mentions(&argument.value))
            }
            ExprKind::Negate(inner) => self.mentions(inner),
            ExprKind::Binary(_, left, right) => self.mentions(left) || self.mentions(right),
            _ => names::of_expression(expr).into_iter().any(|name| self.sizes.iter().any(|own| own == name)),
        }
    }

    /// Whether sizes occur in a free kernel's numbers of channels only.
    fn is_matrix(&self, target: &Declared) -> bool {
        let plain = |expr: &Expr| matches!(&expr.kind, ExprKind::Number(_));
        let count = |expr: &Expr| {
            plain(expr) || matches!(&expr.kind, ExprKind::Name(name) if self.sizes.contains(name))
        };
        match target.shape.as_deref() {
            Some([length]) => count(length),
            Some([outputs, inputs, height, width]) => {
                count(outputs) && count(inputs) && plain(height) && plain(width)
            }
            _ => false,
        }
    }
}

/// Whether an expression has the length of a vector: one of these names, or made of one entry by entry.
fn is_vector(expr: &Expr, vectors: &[&str]) -> bool {
    match &expr.kind {
        ExprKind::Call(callee, arguments) => {
            let scaled = matches!(&callee.kind, ExprKind::Name(name) if name == "scale_rows" || name == "scale_columns");
            let shaping = if scaled { 1 } else { arguments.len() };
            arguments.iter().take(shaping).any(|argument| is_vector(&argument.value, vectors))
        }
        ExprKind::Negate(inner) => is_vector(inner, vectors),
        ExprKind::Binary(_, left, right) => is_vector(left, vectors) || is_vector(right, vectors),
        _ => names::of_expression(expr).iter().any(|name| vectors.contains(name)),
    }
}

/// Whether this is `eye(c)` for a size or a name: the identity of as many channels as it stands between.
fn is_identity(expr: &Expr) -> bool {
    let ExprKind::Call(callee, arguments) = &expr.kind else { return false };
    let is_name = |expr: &Expr| matches!(&expr.kind, ExprKind::Name(_));
    matches!(&callee.kind, ExprKind::Name(name) if name == "eye")
        && matches!(arguments.as_slice(), [only] if only.name.is_none() && is_name(&only.value))
}

/// Whether nothing in an expression tells one channel from another. A vector is a kernel of one row as well, whose length
/// is no number of channels then: `allowed` says whether one may stand here.
fn alike(expr: &Expr, vectors: &[&str], allowed: bool) -> bool {
    match &expr.kind {
        ExprKind::Number(_) | ExprKind::Bool(_) => true,
        // A layer by its name alone is one of these too.
        ExprKind::Name(name) if builtins::names().any(|own| own == name) => ALIKE.contains(&name.as_str()),
        ExprKind::Name(name) => allowed || !vectors.contains(&name.as_str()),
        ExprKind::Negate(inner) => alike(inner, vectors, allowed),
        ExprKind::Binary(_, left, right) => alike(left, vectors, allowed) && alike(right, vectors, allowed),
        ExprKind::Call(callee, arguments) => {
            let ExprKind::Name(name) = &callee.kind else { return false };
            if name == "eye" {
                return is_identity(expr);
            }
            ALIKE.contains(&name.as_str())
                && arguments.iter().enumerate().all(|(at, argument)| {
                    let word = argument.name.as_ref().map(|name| name.text.as_str());
                    let allowed = match name.as_str() {
                        "bias" | "batchnorm" | "scale" => true,
                        "scale_rows" | "scale_columns" => at == 1,
                        "hadamard" | "sqrt" => allowed,
                        _ => word == Some("bias"),
                    };
                    let numbers = names::of_expression(&argument.value).is_empty();
                    let moves = matches!(word, Some("padding" | "stride" | "dilation")) && numbers;
                    word != Some("groups") && (moves || alike(&argument.value, vectors, allowed))
                })
        }
        ExprKind::Text(_) | ExprKind::Array(..) | ExprKind::Index(..) | ExprKind::Slice(_) => false,
    }
}

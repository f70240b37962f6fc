//! What an expression can stand for.

use super::build::value::{Array, Role, StackValue};
use crate::source::Span;
use convproof_exact::Poly;

/// Most numbers of a row that is compared as a list.
const MAX_LIST: usize = 1 << 16;

/// The value of an expression.
#[derive(Clone, Debug)]
pub(super) enum Value {
    /// A scalar, vector, kernel or image.
    Array(Array),
    /// A list of numbers such as a stride.
    List(Vec<Poly>),
    /// A stack.
    Stack(StackValue),
    /// A quoted string.
    Text,
    /// `true` or `false`.
    Bool(bool),
}

impl Value {
    /// What it is, in words.
    pub(super) fn show(&self) -> String {
        match self {
            Self::Array(array) => array.show(),
            Self::List(list) => format!("a list of {}", list.len()),
            Self::Stack(_) => "a stack".to_owned(),
            Self::Text => "a string".to_owned(),
            Self::Bool(value) => format!("`{value}`"),
        }
    }

    pub(super) fn declared(&self) -> Option<Span> {
        if let Self::Array(array) = self { array.declared } else { None }
    }

    /// The numbers of a list, a row or a number.
    pub(super) fn numbers(&self) -> Option<Vec<Poly>> {
        match self {
            Self::List(list) => Some(list.clone()),
            Self::Array(array)
                if array.term.len() <= MAX_LIST && (array.is_scalar() || array.role == Role::Row) =>
            {
                let entries = array.term.kernel().expand().ok()?;
                Some(entries.entries().to_vec())
            }
            _ => None,
        }
    }
}

//! How deeply expressions lie inside one another, and in the weights of stacks that they hold. Recursion over them is safe as
//! long as that is bounded, so whoever puts a stack into an expression asks for it.

use convproof_exact::budget;
use rustc_hash::FxHashMap;

use super::{KernelExpr, KernelTerm, Stack};

/// Heights of expressions and stacks by their addresses, as parts are shared.
#[derive(Default)]
struct Heights(FxHashMap<usize, u32>);

impl Stack {
    /// The longest way down through the expressions of its weights, in steps, and one more.
    pub fn height(&self) -> u32 {
        Heights::default().of_stack(self)
    }

    /// How many expressions its kernels are made of, shared ones counted as often as they occur: what reading them without
    /// a memory of what was read comes to.
    pub fn written(&self) -> u64 {
        self.written_but_for(&mut FxHashMap::default())
    }

    fn written_but_for(&self, known: &mut FxHashMap<usize, u64>) -> u64 {
        self.weights().fold(1, |sum, term| sum.saturating_add(term.expr().written(known)))
    }
}

impl KernelExpr {
    fn written(&self, known: &mut FxHashMap<usize, u64>) -> u64 {
        budget::spend(50);
        let address = std::ptr::from_ref(self).addr();
        if let Some(&written) = known.get(&address) {
            return written;
        }
        let stack = match self {
            Self::OfStack(stack) | Self::Apply(stack, _) => stack.written_but_for(known),
            _ => 1,
        };
        let parts = self.operands().into_iter().map(|operand| operand.written(known));
        let written = parts.fold(stack, u64::saturating_add);
        known.insert(address, written);
        written
    }

    /// The expressions that it is made of, one level down; stacks left out.
    pub fn operands(&self) -> Vec<&Self> {
        match self {
            Self::Constant(_) | Self::Free { .. } | Self::OfStack(_) => Vec::new(),
            Self::Array { entries, .. } => entries.iter().map(|entry| &**entry).collect(),
            Self::Add(a, b)
            | Self::Sub(a, b)
            | Self::Convolve(a, b)
            | Self::Hadamard(a, b)
            | Self::Divide(a, b)
            | Self::Outer(a, b)
            | Self::ScaleOutputs(a, b)
            | Self::ScaleInputs(a, b) => vec![&**a, &**b],
            Self::Negate(a)
            | Self::Power(a, _)
            | Self::Entry(a, _)
            | Self::Sum(a)
            | Self::Sqrt(a)
            | Self::Dilate(a, _)
            | Self::Repeat(a, _)
            | Self::Flip(a)
            | Self::Transpose(a)
            | Self::Rearranged(a, _)
            | Self::ChannelSums { of: a, .. }
            | Self::Pad(a, _)
            | Self::Trim(a, _)
            | Self::Reshape(a, _)
            | Self::Apply(_, a) => vec![&**a],
        }
    }
}

impl Heights {
    fn of_stack(&mut self, stack: &Stack) -> u32 {
        let address = std::ptr::from_ref(stack).addr();
        self.known(address, |all| all.most(stack.weights().map(KernelTerm::expr)))
    }

    fn of_expression(&mut self, expr: &KernelExpr) -> u32 {
        self.known(std::ptr::from_ref(expr).addr(), |all| match expr {
            KernelExpr::OfStack(stack) => all.of_stack(stack),
            KernelExpr::Apply(stack, image) => all.of_stack(stack).max(all.of_expression(image)),
            other => all.most(other.operands().into_iter()),
        })
    }

    fn most<'a>(&mut self, parts: impl Iterator<Item = &'a KernelExpr>) -> u32 {
        parts.map(|part| self.of_expression(part)).max().unwrap_or(0)
    }

    fn known(&mut self, address: usize, find: impl FnOnce(&mut Self) -> u32) -> u32 {
        budget::spend(50);
        if let Some(&height) = self.0.get(&address) {
            return height;
        }
        let height = find(self) + 1;
        self.0.insert(address, height);
        height
    }
}

//! How deeply expressions and stacks lie inside one another. Recursion over them is safe as long as that is bounded,
//! so whoever puts a stack into an expression asks for it.

use convproof_exact::budget;
use rustc_hash::FxHashMap;

use super::{KernelExpr, Stack, StackKind};

/// Heights of expressions and stacks by their addresses, as parts are shared.
#[derive(Default)]
struct Heights(FxHashMap<usize, u32>);

impl Stack {
    /// The longest way down through stacks and the expressions of their kernels, in steps.
    pub fn height(&self) -> u32 {
        Heights::default().of_stack(self)
    }
}

impl Heights {
    fn of_stack(&mut self, stack: &Stack) -> u32 {
        self.known(std::ptr::from_ref(stack).addr(), |all| match &stack.kind {
            StackKind::Layer(layer) => all.most(layer.weights().into_iter().map(|term| &*term.expr)),
            StackKind::Chain(parts) | StackKind::Concat(parts) => {
                parts.iter().map(|part| all.of_stack(part)).max().unwrap_or(0)
            }
            StackKind::Sum(branches) => {
                let factors = all.most(branches.iter().map(|(factor, _)| &*factor.expr));
                branches.iter().map(|(_, branch)| all.of_stack(branch)).fold(factors, u32::max)
            }
        })
    }

    fn of_expression(&mut self, expr: &KernelExpr) -> u32 {
        self.known(std::ptr::from_ref(expr).addr(), |all| match expr {
            KernelExpr::Constant(_) | KernelExpr::Free { .. } => 0,
            KernelExpr::Array { entries, .. } => all.most(entries.iter().map(|entry| &**entry)),
            KernelExpr::Add(a, b)
            | KernelExpr::Sub(a, b)
            | KernelExpr::Convolve(a, b)
            | KernelExpr::Hadamard(a, b)
            | KernelExpr::Divide(a, b)
            | KernelExpr::Outer(a, b)
            | KernelExpr::ScaleOutputs(a, b)
            | KernelExpr::ScaleInputs(a, b) => all.most([&**a, &**b].into_iter()),
            KernelExpr::Negate(a)
            | KernelExpr::Power(a, _)
            | KernelExpr::Entry(a, _)
            | KernelExpr::Sum(a)
            | KernelExpr::Sqrt(a)
            | KernelExpr::Dilate(a, _)
            | KernelExpr::Repeat(a, _)
            | KernelExpr::Flip(a)
            | KernelExpr::Transpose(a)
            | KernelExpr::Rearranged(a, _)
            | KernelExpr::ChannelSums { of: a, .. }
            | KernelExpr::Pad(a, _)
            | KernelExpr::Trim(a, _)
            | KernelExpr::Reshape(a, _) => all.of_expression(a),
            KernelExpr::OfStack(stack) => all.of_stack(stack),
            KernelExpr::Apply(stack, image) => all.of_stack(stack).max(all.of_expression(image)),
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

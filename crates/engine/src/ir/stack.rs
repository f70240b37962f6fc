//! Stacks: graphs with one input and one output, and how they are put together.

use std::sync::Arc;

use super::graph::{Branch, Given, Graph, NonEmpty, Op, Value, ValueId, ValueOp};
use super::{KernelTerm, Layer, Origin};
use convproof_exact::Symbol;

/// A graph with one input and one output.
#[derive(Clone, Debug, PartialEq)]
pub struct Stack(Graph);

impl TryFrom<Graph> for Stack {
    type Error = Graph;

    fn try_from(graph: Graph) -> Result<Self, Graph> {
        if graph.inputs == 1 && graph.outputs.len() == 1 { Ok(Self(graph)) } else { Err(graph) }
    }
}

/// The input of a stack.
const INPUT: ValueId = ValueId(0);

impl Stack {
    /// What gives back what it gets.
    pub fn identity(origin: Origin) -> Self {
        Self(Graph { outputs: vec![Branch { of: INPUT, origin }], ..Graph::new(1) })
    }

    /// A single layer.
    pub fn layer(layer: Layer, origin: Origin) -> Self {
        Self::last(Graph::new(1), Op::Layer(Arc::new(layer), INPUT), origin)
    }

    /// The stack with one more value at its end.
    fn last(mut graph: Graph, op: ValueOp, origin: Origin) -> Self {
        let of = graph.push(op, origin).expect("it reads what is there");
        Self(Graph { outputs: vec![Branch { of, origin }], ..graph })
    }

    /// Appends a stack to the values of another one.
    fn placed(&self, graph: &mut Graph, input: ValueId) -> Branch<ValueId> {
        let outputs = graph.append(&self.0, vec![input]).expect("it reads what is there");
        outputs.into_iter().next().expect("one output")
    }

    /// One stack after the other.
    pub fn chain<'a>(links: impl IntoIterator<Item = &'a Self>, origin: Origin) -> Self {
        let mut graph = Graph::new(1);
        let of = links.into_iter().fold(INPUT, |of, link| link.placed(&mut graph, of).of);
        Self(Graph { outputs: vec![Branch { of, origin }], ..graph })
    }

    /// Outputs added, each times a scalar.
    pub fn sum(terms: NonEmpty<(KernelTerm, &Self)>, origin: Origin) -> Self {
        let mut graph = Graph::new(1);
        let terms = terms.map(|(factor, stack)| (factor, stack.placed(&mut graph, INPUT)));
        Self::last(graph, Op::Sum(terms), origin)
    }

    /// Outputs multiplied entry by entry; one of which `single` says that it has one position only is multiplied by at every
    /// position of the other one.
    pub fn product(factors: [&Self; 2], single: [bool; 2], origin: Origin) -> Self {
        let mut graph = Graph::new(1);
        let [mut left, mut right] = factors.map(|stack| stack.placed(&mut graph, INPUT));
        Self::broadcast(&mut graph, [vec![&mut left], vec![&mut right]], single);
        Self::last(graph, Op::Product([left, right]), origin)
    }

    /// Puts the only position of the values of one side, if one alone has such values, at every position of those of the other one.
    fn broadcast(graph: &mut Graph, sides: [Vec<&mut Branch<ValueId>>; 2], single: [bool; 2]) {
        let [left, right] = sides;
        let (small, like) = match single {
            [true, false] => (left, right),
            [false, true] => (right, left),
            _ => return,
        };
        for value in small {
            let both = [value.clone(), like[0].clone()];
            value.of = graph.push(Op::Broadcast(both), value.origin).expect("it reads what is there");
        }
    }

    /// Output channels joined in order.
    pub fn concat(parts: NonEmpty<&Self>, origin: Origin) -> Self {
        let mut graph = Graph::new(1);
        let parts = parts.map(|stack| stack.placed(&mut graph, INPUT));
        Self::last(graph, Op::Concat(parts), origin)
    }

    /// The outputs of two stacks added; sums are taken apart, so that there is one in the end. One of which `single` says that it
    /// has one position only is added at every position of the other one.
    pub fn plus(&self, other: &Self, single: [bool; 2], origin: Origin) -> Self {
        let mut graph = Graph::new(1);
        let (mut terms, mut others) = (self.terms(&mut graph), other.terms(&mut graph));
        let sides = [&mut terms, &mut others].map(|terms| terms.iter_mut().map(|(_, term)| term).collect());
        Self::broadcast(&mut graph, sides, single);
        terms.append(&mut others);
        Self::last(graph, Op::Sum(NonEmpty(terms)), origin)
    }

    /// Appends a stack to some values, its last sum left out: what is added there.
    fn terms(&self, graph: &mut Graph) -> Vec<(KernelTerm, Branch<ValueId>)> {
        let output = self.placed(graph, INPUT);
        if let Some(Value { op: Op::Sum(terms), .. }) =
            graph.values.pop_if(|value| matches!(value.op, Op::Sum(_)))
        {
            return terms.0;
        }
        vec![(KernelTerm::one(), output)]
    }

    /// The stack times a number, of which `times` makes each factor of its sum, or 1 where it is none; `None` as soon as that
    /// makes none.
    pub fn scaled(
        &self,
        origin: Origin,
        mut times: impl FnMut(&KernelTerm) -> Option<KernelTerm>,
    ) -> Option<Self> {
        let mut graph = Graph::new(1);
        let mut terms = self.terms(&mut graph);
        for (factor, _) in &mut terms {
            *factor = times(factor)?;
        }
        Some(Self::last(graph, Op::Sum(NonEmpty(terms)), origin))
    }

    /// The graph that it is.
    pub fn graph(&self) -> &Graph {
        &self.0
    }

    /// Where all of it came from.
    pub fn origin(&self) -> Origin {
        self.output().origin
    }

    /// What comes out.
    pub fn output(&self) -> &Branch<ValueId> {
        &self.0.outputs[0]
    }

    /// Whether it is nothing but its input.
    pub fn is_identity(&self) -> bool {
        self.output().of == INPUT
    }

    /// [`Graph::fold`] where there is one input and one output.
    ///
    /// # Errors
    /// The first of `each`.
    pub fn fold<'g, T: Clone, E>(
        &'g self,
        input: T,
        each: impl FnMut(Given<'g, T>, Origin) -> Result<T, E>,
    ) -> Result<T, E> {
        Ok(self.0.fold(vec![input], each)?.swap_remove(0))
    }

    /// The same graph with other layers and factors; `None` as soon as `each` gives none, or reads what is not there.
    pub fn rebuilt(&self, mut each: impl FnMut(Given<'_, ValueId>) -> Option<ValueOp>) -> Option<Self> {
        let mut graph = Graph::new(1);
        let value = |op: Given<'_, ValueId>, origin| graph.push(each(op).ok_or(())?, origin).ok_or(());
        let of = self.fold(INPUT, value).ok()?;
        graph.output(Branch { of, origin: self.origin() })?;
        Some(Self(graph))
    }

    /// The same function with layers moved to the front of those before them which they commute with, as far as nothing
    /// else reads what is between.
    #[must_use]
    pub fn reordered(&self, commutes: impl Fn(&Layer, &Layer) -> bool) -> Self {
        let mut graph = self.0.clone();
        let readers = graph.readers();
        for last in 0..graph.values.len() {
            let mut at = last;
            while let Op::Layer(layer, read) = &graph.values[at].op
                && let Some(before) = read.index().checked_sub(1)
                && readers[read.index()] == 1
                && let Op::Layer(other, _) = &graph.values[before].op
                && commutes(layer, other)
            {
                let (layer, other) = (layer.clone(), other.clone());
                let origins = [at, before].map(|at| graph.values[at].origin);
                for (at, layer, origin) in [(at, other, origins[1]), (before, layer, origins[0])] {
                    if let Op::Layer(own, _) = &mut graph.values[at].op {
                        *own = layer;
                    }
                    graph.values[at].origin = origin;
                }
                at = before;
            }
        }
        Self(graph)
    }

    /// Bytes that it takes, what it shares with others left out.
    pub fn memory(&self) -> u64 {
        self.0.values.len() as u64 * size_of::<Value>() as u64
    }

    /// The layers in order.
    pub fn layers(&self) -> impl Iterator<Item = &Layer> {
        self.0.values.iter().filter_map(|value| value.op.layer())
    }

    /// How many sums, products and concatenations there are.
    pub fn joins(&self) -> usize {
        self.0.values.len() - self.layers().count()
    }

    /// What its sums multiply by.
    pub fn factors(&self) -> impl Iterator<Item = &KernelTerm> {
        let terms = self.0.values.iter().filter_map(|value| match &value.op {
            Op::Sum(terms) => Some(terms.iter()),
            _ => None,
        });
        terms.flatten().map(|(factor, _)| factor)
    }

    /// The kernels, vectors and matrices of its layers, and what its sums multiply by.
    pub fn weights(&self) -> impl Iterator<Item = &KernelTerm> {
        self.layers().flat_map(Layer::weights).chain(self.factors())
    }

    /// The free symbols that its weights are made of, square roots included; sorted.
    pub fn symbols(&self) -> Vec<Symbol> {
        let mut all: Vec<Symbol> = self.weights().flat_map(|term| term.kernel().symbols()).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// Entries of all kernels, vectors and matrices of its layers together, saturating.
    pub fn weight_count(&self) -> usize {
        self.layers().flat_map(Layer::weights).fold(0, |sum, term| sum.saturating_add(term.len()))
    }

    /// The free symbols that its weights may be made of, square roots included, as ranges.
    pub fn symbol_ranges(&self) -> Vec<(Symbol, u32)> {
        self.weights().flat_map(|term| term.kernel().symbol_ranges()).collect()
    }
}

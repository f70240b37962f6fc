//! Graphs of layers: values in order, each made of earlier ones, which others may read as well. A stack is a graph with one
//! input and one output.
//!
//! What goes through a stack is one loop, [`Graph::fold`]: it hands every value what was made of those that it reads.

use std::sync::Arc;

use super::{KernelTerm, Layer, Origin};
use convproof_exact::Symbol;

/// A value of a graph, or one of its inputs, which come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ValueId(u32);

impl ValueId {
    /// Its number, inputs counted.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// At least one.
#[derive(Clone, Debug, PartialEq)]
pub struct NonEmpty<T>(Vec<T>);

impl<T> NonEmpty<T> {
    /// All of a list; `None` if there is none.
    pub fn of(all: Vec<T>) -> Option<Self> {
        (!all.is_empty()).then_some(Self(all))
    }

    /// They, in order.
    pub fn iter(&self) -> std::slice::Iter<'_, T> {
        self.0.iter()
    }

    /// Each as something else.
    pub fn map<U>(self, each: impl FnMut(T) -> U) -> NonEmpty<U> {
        NonEmpty(self.0.into_iter().map(each).collect())
    }

    /// Each as something else, if all can be.
    ///
    /// # Errors
    /// The first of `each`.
    pub fn try_map<U, E>(self, each: impl FnMut(T) -> Result<U, E>) -> Result<NonEmpty<U>, E> {
        self.0.into_iter().map(each).collect::<Result<_, E>>().map(NonEmpty)
    }

    /// The same where nothing is said of the first that cannot.
    pub fn filled<U>(self, each: impl FnMut(T) -> Option<U>) -> Option<NonEmpty<U>> {
        self.0.into_iter().map(each).collect::<Option<_>>().map(NonEmpty)
    }

    /// All put together, from the first on.
    ///
    /// # Errors
    /// The first of `join`.
    pub fn reduce<E>(self, join: impl FnMut(T, T) -> Result<T, E>) -> Result<T, E> {
        let mut all = self.0.into_iter();
        let first = all.next().expect("at least one");
        all.try_fold(first, join)
    }
}

impl<T> From<[T; 2]> for NonEmpty<T> {
    fn from(both: [T; 2]) -> Self {
        Self(both.into())
    }
}

impl<T> IntoIterator for NonEmpty<T> {
    type Item = T;
    type IntoIter = std::vec::IntoIter<T>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

/// What is joined with others, or comes out: of which value, and what it stands for as a whole.
#[derive(Clone, Debug, PartialEq)]
pub struct Branch<T> {
    /// The value, or what was made of it.
    pub of: T,
    /// Where all of it came from, its last layer being only a part.
    pub origin: Origin,
}

/// How a value is made of what it reads, by layers `L` and factors `K`.
#[derive(Clone, Debug, PartialEq)]
pub enum Op<L, K, T> {
    /// A layer.
    Layer(L, T),
    /// The sum, each times a scalar; sizes and channels must agree.
    Sum(NonEmpty<(K, Branch<T>)>),
    /// The product, entry by entry; sizes and channels must agree.
    Product([Branch<T>; 2]),
    /// Channels joined in order; sizes must agree.
    Concat(NonEmpty<Branch<T>>),
}

/// How a value of a graph is made.
pub type Made = Op<Arc<Layer>, KernelTerm, ValueId>;

/// The same with what was made of the values that it reads, as passes are given it.
pub type Given<'g, T> = Op<&'g Layer, &'g KernelTerm, T>;

impl<L, K, T> Op<L, K, T> {
    fn with<'o, M, F, U>(
        &'o self,
        layer: impl Fn(&'o L) -> M,
        factor: impl Fn(&'o K) -> F,
        mut each: impl FnMut(&'o T) -> U,
    ) -> Op<M, F, U> {
        let mut branch = |Branch { of, origin }: &'o Branch<T>| Branch { of: each(of), origin: *origin };
        match self {
            Self::Layer(own, of) => Op::Layer(layer(own), each(of)),
            Self::Sum(terms) => {
                let terms = terms.iter().map(|(own, of)| (factor(own), branch(of)));
                Op::Sum(NonEmpty(terms.collect()))
            }
            Self::Product([left, right]) => Op::Product([branch(left), branch(right)]),
            Self::Concat(parts) => Op::Concat(NonEmpty(parts.iter().map(branch).collect())),
        }
    }

    /// The same of something else.
    pub fn map<U>(&self, each: impl FnMut(&T) -> U) -> Op<L, K, U>
    where
        L: Clone,
        K: Clone,
    {
        self.with(L::clone, K::clone, each)
    }

    /// What is joined.
    ///
    /// # Errors
    /// The layer, and what it reads, if it is one.
    pub fn branches(self) -> Result<NonEmpty<Branch<T>>, (L, T)> {
        match self {
            Self::Layer(layer, of) => Err((layer, of)),
            Self::Sum(terms) => Ok(terms.map(|(_, branch)| branch)),
            Self::Product(factors) => Ok(NonEmpty(factors.into())),
            Self::Concat(parts) => Ok(parts),
        }
    }

    /// What it reads, in order.
    pub fn reads(self) -> Vec<T> {
        match self.branches() {
            Ok(branches) => branches.into_iter().map(|branch| branch.of).collect(),
            Err((_, of)) => vec![of],
        }
    }
}

impl<K, T> Op<Arc<Layer>, K, T> {
    /// The layer, if it is one.
    pub fn layer(&self) -> Option<&Layer> {
        if let Self::Layer(layer, _) = self { Some(layer) } else { None }
    }
}

impl Made {
    fn step<U>(&self, mut each: impl FnMut(ValueId) -> U) -> Given<'_, U> {
        self.with(|layer| &**layer, |factor| factor, |id| each(*id))
    }
}

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub struct Value {
    /// How it is made.
    pub op: Made,
    /// Where it came from.
    pub origin: Origin,
}

impl Value {
    /// What it reads, in order.
    pub fn reads(&self) -> Vec<ValueId> {
        self.op.step(|read| read).reads()
    }
}

/// Values in order. None reads a later one, as it is only made of those that are there.
#[derive(Clone, Debug, PartialEq)]
pub struct Graph {
    inputs: u32,
    values: Vec<Value>,
    outputs: Vec<Branch<ValueId>>,
}

impl Graph {
    /// Nothing but inputs.
    pub fn new(inputs: u32) -> Self {
        Self { inputs, values: Vec::new(), outputs: Vec::new() }
    }

    /// An input; `None` if there are not so many.
    pub fn input(&self, number: u32) -> Option<ValueId> {
        (number < self.inputs).then_some(ValueId(number))
    }

    /// One more value; `None` if it reads what is not there, and beyond numbers.
    pub fn push(&mut self, op: Made, origin: Origin) -> Option<ValueId> {
        let id = self.next();
        if id.0 == u32::MAX || op.step(|read| read).reads().into_iter().any(|read| read >= id) {
            return None;
        }
        self.values.push(Value { op, origin });
        Some(id)
    }

    /// One more output; `None` if it is not there.
    pub fn output(&mut self, of: Branch<ValueId>) -> Option<()> {
        (of.of < self.next()).then(|| self.outputs.push(of))
    }

    fn next(&self) -> ValueId {
        ValueId(u32::try_from(self.values.len()).unwrap_or(u32::MAX).saturating_add(self.inputs))
    }

    /// The values in order, and their numbers.
    pub fn values(&self) -> impl DoubleEndedIterator<Item = (ValueId, &Value)> + ExactSizeIterator {
        self.values.iter().enumerate().map(|(at, value)| (self.id(at), value))
    }

    fn id(&self, at: usize) -> ValueId {
        ValueId(u32::try_from(at).unwrap_or(u32::MAX).saturating_add(self.inputs))
    }

    /// How a value is made; `None` for an input.
    pub fn value(&self, id: ValueId) -> Option<&Value> {
        self.values.get(id.index().checked_sub(self.inputs as usize)?)
    }

    /// What comes out.
    pub fn outputs(&self) -> &[Branch<ValueId>] {
        &self.outputs
    }

    /// How often each value is read, inputs first; an output is read once more.
    pub fn readers(&self) -> Vec<u32> {
        let mut readers = vec![0; self.next().index()];
        let reads = self.values.iter().flat_map(Value::reads);
        for read in reads.chain(self.outputs.iter().map(|output| output.of)) {
            readers[read.index()] += 1;
        }
        readers
    }

    /// Goes through the values in order: what `each` makes of one is handed to those that read it, and kept no longer.
    /// Gives what was made of the outputs.
    ///
    /// # Errors
    /// The first of `each`.
    ///
    /// # Panics
    /// If there are not as many inputs as there should be.
    pub fn fold<'g, T: Clone, E>(
        &'g self,
        inputs: Vec<T>,
        mut each: impl FnMut(Given<'g, T>, Origin) -> Result<T, E>,
    ) -> Result<Vec<T>, E> {
        assert_eq!(inputs.len(), self.inputs as usize, "one of each input");
        let mut left = self.readers();
        let mut made: Vec<Option<T>> = inputs.into_iter().map(Some).collect();
        let mut take = |made: &mut [Option<T>], id: ValueId| {
            left[id.index()] -= 1;
            let of = &mut made[id.index()];
            if left[id.index()] == 0 { of.take() } else { of.clone() }.expect("kept until all have read it")
        };
        for value in &self.values {
            let of = each(value.op.step(|id| take(&mut made, id)), value.origin)?;
            made.push(Some(of));
        }
        Ok(self.outputs.iter().map(|output| take(&mut made, output.of)).collect())
    }

    /// The values of another graph after these, its inputs being some of these; what comes out of it. `None` if those are not
    /// there.
    pub fn append(&mut self, other: &Self, inputs: Vec<ValueId>) -> Option<Vec<Branch<ValueId>>> {
        if inputs.len() != other.inputs as usize {
            return None;
        }
        self.values.reserve(other.values.len());
        let mut ids = inputs;
        for value in &other.values {
            ids.push(self.push(value.op.map(|id| ids[id.index()]), value.origin)?);
        }
        let output =
            |Branch { of, origin }: &Branch<ValueId>| Branch { of: ids[of.index()], origin: *origin };
        Some(other.outputs.iter().map(output).collect())
    }
}

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
    fn last(mut graph: Graph, op: Made, origin: Origin) -> Self {
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

    /// Outputs multiplied entry by entry.
    pub fn product(factors: [&Self; 2], origin: Origin) -> Self {
        let mut graph = Graph::new(1);
        let factors = factors.map(|stack| stack.placed(&mut graph, INPUT));
        Self::last(graph, Op::Product(factors), origin)
    }

    /// Output channels joined in order.
    pub fn concat(parts: NonEmpty<&Self>, origin: Origin) -> Self {
        let mut graph = Graph::new(1);
        let parts = parts.map(|stack| stack.placed(&mut graph, INPUT));
        Self::last(graph, Op::Concat(parts), origin)
    }

    /// The outputs of two stacks added; sums are taken apart, so that there is one in the end.
    pub fn plus(&self, other: &Self, origin: Origin) -> Self {
        let mut graph = Graph::new(1);
        let mut terms = self.terms(&mut graph);
        terms.extend(other.terms(&mut graph));
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
    pub fn rebuilt(&self, mut each: impl FnMut(Given<'_, ValueId>) -> Option<Made>) -> Option<Self> {
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

    /// The values that everything goes through, in order.
    pub fn spine(&self) -> Vec<&Value> {
        let mut spine = Vec::new();
        // The first value that is read by it or a later one.
        let mut first = self.output().of;
        for (id, value) in self.0.values().rev() {
            if id <= first {
                spine.push(value);
            }
            first = value.reads().into_iter().fold(first, ValueId::min);
        }
        spine.reverse();
        spine
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

#[cfg(test)]
mod tests {
    use super::*;

    fn layer(n: usize) -> Stack {
        Stack::layer(Layer::Subsample([n, 1]), Origin::NOWHERE)
    }

    fn chain(links: &[Stack]) -> Stack {
        Stack::chain(links, Origin::NOWHERE)
    }

    fn sum(branches: &[Stack]) -> Stack {
        let terms = branches.iter().map(|branch| (KernelTerm::one(), branch)).collect();
        Stack::sum(NonEmpty::of(terms).unwrap(), Origin::NOWHERE)
    }

    /// What a stack is, layers as the numbers that they have.
    fn written(stack: &Stack) -> String {
        let written = stack.fold("x".to_owned(), |op, _| {
            Ok::<_, ()>(match op {
                Op::Layer(Layer::Subsample([n, _]), of) => format!("{n}({of})"),
                op => format!("[{}]", op.reads().join("+")),
            })
        });
        written.unwrap()
    }

    #[test]
    fn stacks_are_put_together() {
        let [a, b, c] = [1, 2, 3].map(layer);
        let id = Stack::identity(Origin::NOWHERE);
        assert!(id.is_identity() && chain(&[id.clone(), id.clone()]).is_identity() && !a.is_identity());
        assert_eq!(written(&chain(&[a.clone(), sum(&[b.clone(), id]), c.clone()])), "3([2(1(x))+1(x)])");
        // Sums are taken apart.
        assert_eq!(written(&sum(&[a.clone(), b.clone()]).plus(&c, Origin::NOWHERE)), "[1(x)+2(x)+3(x)]");
        let product = Stack::product([&a, &chain(&[b, c])], Origin::NOWHERE);
        assert_eq!(written(&product), "[1(x)+3(2(x))]");
    }

    #[test]
    fn nothing_reads_what_is_not_there() {
        let layer = |of| Op::Layer(Arc::new(Layer::Relu), of);
        let mut graph = Graph::new(2);
        let ids = [0, 1].map(|n| graph.input(n).unwrap());
        assert_eq!(graph.input(2), None);
        let first = graph.push(layer(ids[1]), Origin::NOWHERE).unwrap();
        let second = graph.push(layer(first), Origin::NOWHERE).unwrap();
        let mut other = Graph::new(2);
        assert_eq!(other.push(layer(first), Origin::NOWHERE), None);
        assert_eq!(other.output(Branch { of: first, origin: Origin::NOWHERE }), None);
        assert_eq!(other.append(&graph, vec![ids[0], first]), None);
        assert_eq!(other.append(&graph, vec![ids[0]]), None);
        for of in [second, ids[0]] {
            graph.output(Branch { of, origin: Origin::NOWHERE }).unwrap();
        }
        // The second input is read by the first layer only, the other one by an output.
        assert_eq!(graph.readers(), [1, 1, 1, 1]);
        let count = |op: Given<'_, usize>, _| Ok::<_, ()>(op.reads().into_iter().sum::<usize>() + 1);
        assert_eq!(graph.fold(vec![10, 20], count), Ok(vec![22, 10]));
        assert!(Stack::try_from(graph).is_err());
    }

    #[test]
    fn values_that_more_than_one_reads_are_made_once() {
        let relu = |of| Op::Layer(Arc::new(Layer::Relu), of);
        let branch = |of| Branch { of, origin: Origin::NOWHERE };
        let mut graph = Graph::new(1);
        let first = graph.push(relu(ValueId(0)), Origin::NOWHERE).unwrap();
        let product = graph.push(Op::Product([branch(first), branch(first)]), Origin::NOWHERE).unwrap();
        graph.output(branch(product)).unwrap();
        let stack = Stack::try_from(graph).unwrap();
        let mut made = 0;
        let of = stack.fold(Arc::new(()), |op, _| {
            made += 1;
            // Whoever reads a value last holds it alone.
            let mut reads = op.reads();
            assert_eq!(reads.pop().map(|read| Arc::strong_count(&read)), Some(1 + reads.len()));
            Ok::<_, ()>(Arc::new(()))
        });
        assert_eq!((of.is_ok(), made), (true, 2));
    }

    #[test]
    fn layers_move_to_the_front_of_what_only_they_read() {
        let before = |a: &Layer, b: &Layer| match (a, b) {
            (Layer::Subsample([a, _]), Layer::Subsample([b, _])) => a < b,
            _ => false,
        };
        let sorted = |stack: &Stack| written(&stack.reordered(before));
        assert_eq!(sorted(&chain(&[3, 2, 1].map(layer))), "3(2(1(x)))");
        assert_eq!(sorted(&chain(&[1, 3, 2, 2].map(layer))), "3(2(2(1(x))))");
        // What both branches read stays in front of both.
        let both = sum(&[layer(1), layer(2)]);
        assert_eq!(sorted(&chain(&[layer(3), both.clone()])), "[1(3(x))+2(3(x))]");
        assert_eq!(sorted(&chain(&[both, layer(0)])), "0([1(x)+2(x)])");
    }

    #[test]
    fn the_spine_is_what_everything_goes_through() {
        let id = Stack::identity(Origin::NOWHERE);
        let spine = |stack: &Stack| {
            let name = |value: &&Value| match value.op.layer() {
                Some(Layer::Subsample([n, _])) => n.to_string(),
                _ => "+".to_owned(),
            };
            stack.spine().iter().map(name).collect::<String>()
        };
        let residual = sum(&[chain(&[layer(2), layer(3)]), id.clone()]);
        assert_eq!(spine(&chain(&[layer(1), residual.clone(), layer(4)])), "1+4");
        assert_eq!(spine(&residual), "+");
        assert_eq!(spine(&sum(&[chain(&[layer(1), layer(2)])])), "12+");
        assert_eq!(spine(&id), "");
    }
}

//! Graphs of layers: values in order, each made of earlier ones, which others may read as well.
//!
//! What goes through a graph is one loop, [`Graph::fold`]: it hands every value what was made of those that it reads.

use std::sync::Arc;

use super::{KernelTerm, Layer, Origin};

/// A value of a graph, or one of its inputs, which come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ValueId(pub(super) u32);

impl ValueId {
    /// Its number, inputs counted.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// At least one.
#[derive(Clone, Debug, PartialEq)]
pub struct NonEmpty<T>(pub(super) Vec<T>);

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
    /// The only position of the first one at every position of the second one.
    Broadcast([Branch<T>; 2]),
}

/// How a value of a graph is made.
pub type ValueOp = Op<Arc<Layer>, KernelTerm, ValueId>;

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
            Self::Broadcast([single, like]) => Op::Broadcast([branch(single), branch(like)]),
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

    /// The same of what each becomes.
    pub fn into<U>(self, mut each: impl FnMut(T) -> U) -> Op<L, K, U> {
        let mut branch = |Branch { of, origin }| Branch { of: each(of), origin };
        match self {
            Self::Layer(layer, of) => Op::Layer(layer, each(of)),
            Self::Sum(terms) => Op::Sum(terms.map(|(factor, of)| (factor, branch(of)))),
            Self::Product(factors) => Op::Product(factors.map(branch)),
            Self::Concat(parts) => Op::Concat(parts.map(branch)),
            Self::Broadcast(both) => Op::Broadcast(both.map(branch)),
        }
    }

    /// What is joined, or reads a size of another one.
    ///
    /// # Errors
    /// The layer, and what it reads, if it is one.
    pub fn branches(self) -> Result<NonEmpty<Branch<T>>, (L, T)> {
        match self {
            Self::Layer(layer, of) => Err((layer, of)),
            Self::Sum(terms) => Ok(terms.map(|(_, branch)| branch)),
            Self::Product(both) | Self::Broadcast(both) => Ok(NonEmpty(both.into())),
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

impl ValueOp {
    fn step<U>(&self, mut each: impl FnMut(ValueId) -> U) -> Given<'_, U> {
        self.with(|layer| &**layer, |factor| factor, |id| each(*id))
    }
}

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub struct Value {
    /// How it is made.
    pub op: ValueOp,
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
    pub(super) inputs: u32,
    pub(super) values: Vec<Value>,
    pub(super) outputs: Vec<Branch<ValueId>>,
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
    pub fn push(&mut self, op: ValueOp, origin: Origin) -> Option<ValueId> {
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

#[cfg(test)]
mod tests;

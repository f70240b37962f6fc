//! The terms of a network, each once.

use rustc_hash::FxHashMap;

use crate::agreement::Agreement;
use crate::compare::same;
use crate::form::{Form, TermId};
use crate::tensor::Tensor;
use crate::term::{Kind, Op, Term};

/// The terms of a network; a term stands after those that it reads.
#[derive(Clone, Debug, Default)]
pub struct Terms {
    terms: Vec<Term>,
    index: FxHashMap<(Op, Vec<Vec<TermId>>), Vec<TermId>>,
    /// Which extents have to be equal for the network to make sense.
    pub agreement: Agreement,
}

impl Terms {
    /// An empty table under the agreement of another one.
    pub fn under(agreement: Agreement) -> Self {
        Self { agreement, ..Self::default() }
    }

    /// A term.
    pub fn get(&self, id: TermId) -> &Term {
        &self.terms[id]
    }

    /// All terms.
    pub fn all(&self) -> &[Term] {
        &self.terms
    }

    /// The value of an operator: that of an equal term, if there is one.
    pub fn intern(&mut self, mut term: Term) -> Form {
        if term.op.kind.is_symmetric() {
            term.args.sort_by_cached_key(crate::term::sources);
        }
        let equal = |&id: &TermId| {
            let own = &self.terms[id];
            own.shape == term.shape
                && same_constant(own.constant.as_ref(), term.constant.as_ref())
                && own.args.len() == term.args.len()
                && own.args.iter().zip(&term.args).all(|(a, b)| a.shape == b.shape && same(a, b))
        };
        let alone = matches!(term.op.kind, Kind::Output | Kind::Input);
        match self.candidates(&term).iter().find(|id| equal(id)) {
            Some(&id) if !alone => Form::of_term(id, term.shape),
            _ => Form::of_term(self.push(term.clone()), term.shape),
        }
    }

    /// A linear value that cannot be composed further, under a name.
    pub fn cut(&mut self, form: &Form, node: Option<usize>) -> Form {
        if form.as_term().is_some() {
            return form.clone();
        }
        let shape = form.shape.clone();
        let op = Op::new(Kind::Cut, "linear");
        self.intern(Term { op, args: vec![form.clone()], shape, constant: None, node })
    }

    /// Adds a term that is like no other.
    pub fn push(&mut self, term: Term) -> TermId {
        let id = self.terms.len();
        self.index.entry((term.op.clone(), term.sources())).or_default().push(id);
        self.terms.push(term);
        id
    }

    /// The terms of the same operator that read the same terms.
    pub fn candidates(&self, term: &Term) -> Vec<TermId> {
        self.index.get(&(term.op.clone(), term.sources())).cloned().unwrap_or_default()
    }
}

fn same_constant(a: Option<&Tensor>, b: Option<&Tensor>) -> bool {
    match (a, b) {
        (None, None) => true,
        (Some(a), Some(b)) => a.same(b),
        _ => false,
    }
}

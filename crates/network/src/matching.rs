//! The terms of two networks in one table: what the second has is looked for in the first.
//!
//! Terms come in the order of evaluation, so the operands of a term are in the table before it. A term of the second
//! network that is found takes the name of the first's; what follows from it is compared under that name. A term that
//! is not found is paired with the likeliest one, and the pair is recorded as different, so that one defect is
//! reported once. Fingerprints and guesses only propose pairs: `compare` decides them.

use rustc_hash::{FxHashMap, FxHashSet};

use crate::ball::Ball;
use crate::compare::{
    Apart, Change, Compared, FormRow, Memo, Tally, comparable, compare, exact_rows, is_affordable,
};
use crate::enclosure::Enclosure;
use crate::form::{Form, Map, Part, TermId, select, stack, zero};
use crate::kernel::{diagonal, identity};
use crate::number::{Number, Numbers};
use crate::table::Terms;
use crate::tensor::Tensor;
use crate::term::{Kind, Term};

/// How a term of the second network was decided.
#[derive(Clone, Debug)]
pub enum Decision {
    /// It is a term of the first, exactly.
    Equal,
    /// It is one with weights moved a little.
    Rounding(Change),
    /// It is paired with a term of the first, and its weights differ.
    Weights(Change),
    /// It is paired with one that reads other values, or in another way.
    Structure(Apart),
    /// It is paired with one of another operator.
    Operator,
    /// Nothing of the first network is like it.
    Alone,
}

/// A term of the second network, and what it was found to be.
#[derive(Clone, Debug)]
pub struct Segment {
    /// The term of the first.
    pub before: Option<TermId>,
    /// The term as the second network has it, over the first's terms.
    pub after: Term,
    /// What was decided.
    pub decision: Decision,
}

/// Finds the terms of one network in another.
pub struct Matcher {
    /// The terms of the first network, then what only the second has.
    terms: Terms,
    /// How many are of the first.
    first: usize,
    /// What each term of the second is in the table.
    names: FxHashMap<TermId, Form>,
    limit: f64,
    /// Whether factors of channels may come out of terms, and whether one has.
    rescaling: bool,
    has_rescaled: bool,
    taken: FxHashSet<TermId>,
    /// Constants that stand for ones of slightly other elements.
    moved: FxHashSet<TermId>,
    fingerprints: FxHashMap<TermId, Vec<f64>>,
    segments: Vec<Segment>,
    memo: Memo,
}

impl Matcher {
    /// A matcher for the terms of a first network; weights may move by this much, and factors of channels come out of
    /// terms if they may.
    pub fn new(terms: Terms, limit: f64, rescaling: bool) -> Self {
        Self {
            first: terms.all().len(),
            terms,
            names: FxHashMap::default(),
            limit,
            rescaling,
            has_rescaled: false,
            taken: FxHashSet::default(),
            moved: FxHashSet::default(),
            fingerprints: FxHashMap::default(),
            segments: Vec::new(),
            memo: Memo::default(),
        }
    }

    /// The terms of the first network, then what only the second has.
    pub fn terms(&self) -> &Terms {
        &self.terms
    }

    /// How many terms are of the first network.
    pub fn first(&self) -> usize {
        self.first
    }

    /// The changes that were computed.
    pub fn memo(&self) -> &Memo {
        &self.memo
    }

    /// Whether a factor of channels came out of a term.
    pub fn has_rescaled(&self) -> bool {
        self.has_rescaled
    }

    /// How far weights may move.
    pub fn limit(&self) -> f64 {
        self.limit
    }

    /// What was decided, in the order of evaluation.
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// Looks for the terms of a second network that its outputs rest on.
    pub fn match_all(&mut self, second: &Terms, progress: &mut dyn FnMut(usize, usize)) {
        self.terms.agreement = second.agreement.clone();
        let needed = needed(second);
        for (n, &id) in needed.iter().enumerate() {
            progress(n, needed.len());
            let mut term = self.renamed(second.get(id));
            let scale = scalar_of(&mut term);
            let form = self.find(term, self.first);
            let form = if scale == Number::from(1) {
                form
            } else {
                form.scaled(&vec![scale; form.channels()].into())
            };
            self.names.insert(id, form);
        }
    }

    /// A term of the second network over the table's terms.
    fn renamed(&mut self, term: &Term) -> Term {
        let mut term = term.clone();
        let args = term.args.iter().map(|arg| self.renamed_form(arg)).collect();
        term.args = args;
        if term.op.kind.is_symmetric() {
            term.args.sort_by_cached_key(crate::term::sources);
        }
        term
    }

    fn renamed_form(&mut self, form: &Form) -> Form {
        let mut sum = Form { parts: Vec::new(), ..form.clone() };
        for part in &form.parts {
            let name = self.names[&part.source].clone();
            let alone = match name.as_term() {
                Some(source) => {
                    Form { parts: vec![Part { source, map: part.map.clone() }], bias: None, ..form.clone() }
                }
                None => self.read(&name, form, &part.map),
            };
            sum = match sum.plus(&alone) {
                Some(sum) => sum,
                None => {
                    let cut = self.terms.cut(&alone, None);
                    let cut = cut.with_axis(form.axis).unwrap_or(cut);
                    sum.plus(&cut).unwrap_or(sum)
                }
            };
        }
        sum
    }

    /// A map of a named value, as a form of the shape of `like`.
    fn read(&mut self, name: &Form, like: &Form, map: &Map) -> Form {
        let plain = Form { bias: None, ..like.clone() };
        let mapped = name.with_axis(like.axis).and_then(|name| name.after(map, like.shape.clone()));
        match mapped {
            Some(form) => Form { nodes: like.nodes.clone(), ..form },
            None => {
                let cut = self.terms.cut(name, None);
                let source = cut.as_term().unwrap_or_default();
                Form { parts: vec![Part { source, map: map.clone() }], ..plain }
            }
        }
    }

    fn find(&mut self, term: Term, first: usize) -> Form {
        let mut best: Option<(TermId, Change)> = None;
        let mut beyond: Option<(TermId, Change)> = None;
        // Untaken ones first: equal terms that stand twice are paired in order.
        let mut candidates = self.terms.candidates(&term);
        candidates.sort_by_key(|id| (self.taken.contains(id), *id));
        for id in candidates {
            match self.compare_terms(self.terms.get(id), &term) {
                Compared::Equal => return self.settle(id, term, Decision::Equal, first),
                Compared::Within(change)
                    if id < first && best.as_ref().is_none_or(|best| change.most < best.1.most) =>
                {
                    best = Some((id, change));
                }
                Compared::Beyond(change)
                    if id < first
                        && !self.taken.contains(&id)
                        && beyond.as_ref().is_none_or(|beyond| change.most < beyond.1.most) =>
                {
                    beyond = Some((id, change));
                }
                _ => {}
            }
        }
        if let Some((id, change)) = best {
            return self.settle(id, term, Decision::Rounding(change), first);
        }
        if self.rescaling
            && term.op.kind == Kind::Homogeneous
            && let Some((id, _)) = &beyond
            && let Some((numbers, change)) = self.rescaled(*id, &term)
        {
            let (id, rank) = (*id, term.shape.len());
            self.has_rescaled = true;
            let decision = if change.most == 0.0 { Decision::Equal } else { Decision::Rounding(change) };
            let mut form = self.settle(id, term, decision, first);
            for part in &mut form.parts {
                part.map.kernel = diagonal(numbers.clone(), rank);
            }
            return form;
        }
        if matches!(term.op.kind, Kind::Channelwise | Kind::Homogeneous)
            && let Some((form, change)) = self.by_rows(&term, first)
        {
            let decision = match change {
                None => Decision::Equal,
                Some(change) => Decision::Rounding(change),
            };
            self.segments.push(Segment { before: None, after: term, decision });
            return form;
        }
        match beyond {
            Some((id, change)) => self.settle(id, term, Decision::Weights(change), first),
            None => self.guess(term, first),
        }
    }

    /// Records a decision and gives the term its name; a term of the second network alone is not recorded again.
    fn settle(&mut self, id: TermId, term: Term, decision: Decision, first: usize) -> Form {
        let form = Form::of_term(id, term.shape.clone());
        if id < first {
            self.taken.insert(id);
            if term.op.kind == Kind::Constant && !matches!(decision, Decision::Equal) {
                self.moved.insert(id);
            }
            self.segments.push(Segment { before: Some(id), after: term, decision });
        }
        form
    }

    fn compare_terms(&self, a: &Term, b: &Term) -> Compared {
        if !self.terms.agreement.same(&a.shape, &b.shape) || a.args.len() != b.args.len() {
            return Compared::Apart(Apart::Sizes);
        }
        if let (Some(x), Some(y)) = (&a.constant, &b.constant) {
            return compare_constants(x, y, self.limit);
        }
        // What a function does with its constants is not known: they must not move.
        let moved = |form: &Form| form.parts.iter().any(|part| self.moved.contains(&part.source));
        if matches!(a.op.kind, Kind::Function | Kind::Symmetric) && b.args.iter().any(moved) {
            return Compared::Apart(Apart::Weights);
        }
        if !a.op.kind.is_symmetric() {
            return all(a
                .args
                .iter()
                .zip(&b.args)
                .map(|(a, b)| compare(a, b, self.limit, &self.terms.agreement, &self.memo)));
        }
        // The operands in any order: each with the nearest that is left.
        let mut left: Vec<&Form> = b.args.iter().collect();
        let mut results = Vec::new();
        for a in &a.args {
            let compared = left.iter().map(|b| compare(a, b, self.limit, &self.terms.agreement, &self.memo));
            let Some((n, result)) = compared.enumerate().min_by(|x, y| rank(&x.1).total_cmp(&rank(&y.1)))
            else {
                return Compared::Apart(Apart::Sources);
            };
            left.remove(n);
            results.push(result);
        }
        all(results.into_iter())
    }

    /// The positive numbers that the channels of a term are larger by than those of a term of the first network.
    fn rescaled(&self, id: TermId, term: &Term) -> Option<(Numbers, Change)> {
        let ([a], [b]) = (self.terms.get(id).args.as_slice(), term.args.as_slice()) else { return None };
        let channels_stay = Form::of_term(id, term.shape.clone()).axis == a.axis;
        let affordable = is_affordable(a) && is_affordable(b);
        if !affordable
            || comparable(a, b).is_some()
            || !self.terms.agreement.same(&a.shape, &b.shape)
            || !channels_stay
        {
            return None;
        }
        let mut tally = Tally::default();
        let mut numbers = Vec::with_capacity(a.channels());
        let mut exact = true;
        for output in 0..a.channels() {
            let (own, other) = (FormRow::<Ball>::new(a, output), FormRow::new(b, output));
            let number = factor(&own, &other)?;
            tally.add(&own, &other, output, number.enclosure());
            exact = exact && exact_rows(a, b, output, output, &number);
            numbers.push(number);
        }
        let mut change = tally.change();
        if exact {
            change.most = 0.0;
        }
        (change.most <= self.limit).then(|| (numbers.into(), change))
    }

    /// A term that acts on each channel alone, its channels from several terms of the first network.
    fn by_rows(&mut self, term: &Term, first: usize) -> Option<(Form, Option<Change>)> {
        let [arg] = term.args.as_slice() else { return None };
        let wanted = Form::of_term(0, term.shape.clone());
        if arg.axis != wanted.axis || !is_affordable(arg) {
            return None;
        }
        let others: Vec<TermId> = (0..first)
            .filter(|&id| {
                let own = self.terms.get(id);
                own.op == term.op
                    && is_affordable(&own.args[0])
                    && own.shape.len() == term.shape.len()
                    && own.args[0].axis == arg.axis
            })
            .collect();
        let mut rows: Vec<(f64, TermId, usize)> = Vec::new();
        for &id in &others {
            let terms = &self.terms;
            let prints = self.fingerprints.entry(id).or_insert_with(|| fingerprints(&terms.get(id).args[0]));
            rows.extend(prints.iter().enumerate().map(|(row, &print)| (print, id, row)));
        }
        rows.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut found: Vec<(TermId, usize)> = Vec::new();
        let (mut tally, mut exact) = (Tally::default(), true);
        for (output, print) in fingerprints(arg).into_iter().enumerate() {
            let near = rows.partition_point(|row| row.0 < print);
            let mut tried = rows[near.saturating_sub(2)..(near + 2).min(rows.len())].iter();
            let hit = tried.find(|(_, id, row)| self.is_row(*id, *row, arg, output));
            let &(_, id, row) = hit?;
            let own = &self.terms.get(id).args[0];
            tally.add(&FormRow::new(own, row), &FormRow::new(arg, output), output, Enclosure::ONE);
            exact = exact && exact_rows(own, arg, row, output, &Number::from(1));
            found.push((id, row));
        }
        let change = if exact { None } else { Some(tally.change()) };
        let taken = found.iter().map(|(id, _)| *id);
        self.taken.extend(taken);
        Some((self.gather_rows(&found, term)?, change))
    }

    fn is_row(&self, id: TermId, row: usize, arg: &Form, output: usize) -> bool {
        let own = &self.terms.get(id).args[0];
        let plain = |form: &Form| {
            form.parts
                .iter()
                .map(|part| part.map.axes.iter().map(|a| (a.up, a.stride)).collect::<Vec<_>>())
                .collect::<Vec<_>>()
        };
        if crate::term::sources(own) != crate::term::sources(arg) || plain(own) != plain(arg) {
            return false;
        }
        let same_size = own
            .shape
            .iter()
            .zip(&arg.shape)
            .enumerate()
            .all(|(axis, (a, b))| axis == arg.axis || self.terms.agreement.same_dim(a, b));
        let mut tally = Tally::default();
        tally.add(&FormRow::new(own, row), &FormRow::new(arg, output), output, Enclosure::ONE);
        same_size && tally.change().most <= self.limit
    }

    /// The value whose channels are these rows of terms.
    fn gather_rows(&self, found: &[(TermId, usize)], term: &Term) -> Option<Form> {
        let rank = term.shape.len();
        let mut ids: Vec<TermId> = found.iter().map(|(id, _)| *id).collect();
        ids.sort_unstable();
        ids.dedup();
        let mut form = Form::of_term(0, term.shape.clone());
        form.parts.clear();
        for id in ids {
            let channels = self.terms.get(id).args[0].channels();
            let own = identity(channels, rank);
            let row = |&(source, row): &(TermId, usize)| {
                let kernel = if source == id { select(&own, &[row].into()) } else { zero(1, channels, rank) };
                (kernel, vec![0; rank])
            };
            let kernel = stack(found.iter().map(row).collect(), vec![1; rank]);
            let axes = vec![crate::form::Axis::PLAIN; rank];
            form.parts.push(Part { source: id, map: Map { axes, kernel } });
        }
        Some(form)
    }

    /// Pairs a term with the likeliest one that is left, and records that they differ.
    fn guess(&mut self, term: Term, first: usize) -> Form {
        let free = |id: &TermId| !self.taken.contains(id);
        let fits = |id: &TermId| {
            self.terms.get(*id).args.len() == term.args.len()
                && self.terms.get(*id).shape.len() == term.shape.len()
        };
        let sources = term.sources();
        let (same_op, other_op): (Vec<TermId>, Vec<TermId>) = (0..first)
            .filter(|id| free(id) && fits(id) && self.terms.get(*id).op.kind != Kind::Input)
            .partition(|&id| self.terms.get(id).op == term.op);
        let reads = |id: &&TermId| self.terms.get(**id).sources() == sources;
        let alike = |id: &&TermId| {
            self.terms.get(**id).shape == term.shape
                && self.terms.get(**id).op.kind != Kind::Cut
                && self.terms.get(**id).op.kind != Kind::Output
        };
        // The same operator with other settings.
        let related = |id: &&TermId| self.terms.get(**id).op.word() == term.op.word();
        let chosen = match term.op.kind {
            Kind::Cut | Kind::Constant | Kind::Input => None,
            Kind::Output => same_op.first().copied(),
            _ => same_op
                .iter()
                .find(reads)
                .or_else(|| other_op.iter().filter(alike).find(reads))
                .or_else(|| other_op.iter().filter(related).find(reads))
                .or_else(|| same_op.iter().find(alike))
                .or_else(|| other_op.iter().filter(related).find(alike))
                .copied(),
        };
        let Some(id) = chosen else {
            let form = Form::of_term(self.terms.push(term.clone()), term.shape.clone());
            self.segments.push(Segment { before: None, after: term, decision: Decision::Alone });
            return form;
        };
        let decision = if self.terms.get(id).op == term.op {
            match self.compare_terms(self.terms.get(id), &term) {
                Compared::Apart(apart) => Decision::Structure(apart),
                Compared::Beyond(change) | Compared::Within(change) => Decision::Weights(change),
                Compared::Equal => Decision::Equal,
            }
        } else {
            Decision::Operator
        };
        let shape = term.shape.clone();
        // What a bound at 1 and none have in common is the scale before them, which comes out of the one without.
        let lost_bound = (self.terms.get(id).op.name.as_str(), term.op.name.as_str()) == ("sat", "relu");
        let scale = if lost_bound { self.rescaled(id, &term) } else { None };
        let mut form = self.settle(id, term, decision, first);
        if let Some((numbers, _)) = scale {
            form.parts[0].map.kernel = diagonal(numbers, shape.len());
        }
        Form { shape, ..form }
    }
}

/// Takes the numbers out of the factors of a product that are terms times one number each: their product is given back.
fn scalar_of(term: &mut Term) -> Number {
    let mut scale = Number::from(1);
    if term.op.kind != Kind::Product {
        return scale;
    }
    for arg in &mut term.args {
        let Some((_, Some(numbers))) = arg.as_scaled_term() else { continue };
        let uniform = numbers.first().filter(|first| numbers.iter().all(|number| number == *first));
        if let Some(product) = uniform.and_then(|number| scale.times(number)) {
            scale = product;
            let (channels, rank) = (numbers.len(), arg.rank());
            arg.parts[0].map.kernel = identity(channels, rank);
        }
    }
    scale
}

/// The comparison of several operands together.
fn all(results: impl Iterator<Item = Compared>) -> Compared {
    let mut worst = Compared::Equal;
    for result in results {
        if rank(&result) > rank(&worst) {
            worst = result;
        }
    }
    worst
}

/// Worse comparisons rank higher.
fn rank(compared: &Compared) -> f64 {
    match compared {
        Compared::Equal => -1.0,
        Compared::Within(change) | Compared::Beyond(change) => change.most,
        Compared::Apart(_) => f64::INFINITY,
    }
}

/// Most places at which constants are compared that are not both held.
const MAX_PLACES: usize = 1 << 24;

fn compare_constants(a: &Tensor, b: &Tensor, limit: f64) -> Compared {
    if a.dims() != b.dims() {
        return Compared::Apart(Apart::Sizes);
    }
    if a.same(b) {
        return Compared::Equal;
    }
    let (mut largest, mut change) = (Enclosure::ZERO, Enclosure::ZERO);
    // Of what is one number everywhere one place tells all.
    let places = if a.is_huge() && b.is_huge() { 1 } else { a.len() };
    if a.is_huge() != b.is_huge() && places > MAX_PLACES {
        return Compared::Apart(Apart::Weights);
    }
    for place in 0..places {
        let (x, y) = (a.enclosure(place), b.enclosure(place));
        largest = largest.maximum(x.magnitude());
        change = change.maximum(x.minus(y).magnitude());
    }
    let relative = if change.is_zero() { Enclosure::ZERO } else { change.over(largest) };
    let change = Change { most: relative.high, least: relative.low.max(0.0), worst: None };
    match change.most {
        most if most <= limit => Compared::Within(change),
        most if most.is_finite() => Compared::Beyond(change),
        _ => Compared::Apart(Apart::Weights),
    }
}

/// The positive number that a row is larger by than another, read off its largest weight; a power of two if it is
/// near one.
fn factor(a: &FormRow<Ball>, b: &FormRow<Ball>) -> Option<Number> {
    let mut largest: Option<(Enclosure, Enclosure)> = None;
    a.pairs(b, |_, _, _, a, b| {
        if let (Some(a), Some(b)) = (a, b)
            && largest.is_none_or(|(own, _)| a.enclosure().magnitude().low > own.magnitude().low)
        {
            largest = Some((a.enclosure(), b.enclosure()));
        }
    });
    let (a, b) = largest?;
    let ratio = b.over(a).middle();
    if !ratio.is_finite() || ratio <= 0.0 {
        return None;
    }
    // The mantissa alone, rounded to its first bits: 1 or 2 where the ratio is near a power of two.
    let bits = ratio.to_bits();
    let rounded = (bits + (1 << 33)) & !((1 << 34) - 1);
    let near = if rounded & ((1 << 52) - 1) == 0 { f64::from_bits(rounded) } else { ratio };
    Number::from_f64(near)
}

/// For each row a number that equal rows have in common, and near ones nearly.
fn fingerprints(form: &Form) -> Vec<f64> {
    let print = |output| {
        let mut sum = Enclosure::ZERO;
        FormRow::<Ball>::new(form, output).each(|source, channel, tap, value| {
            let mut state = 0x9e37_79b9_7f4a_7c15u64 ^ source.map_or(u64::MAX, |source| source as u64);
            for part in [channel as u64].into_iter().chain(tap.iter().map(|tap| tap.cast_unsigned())) {
                state = (state ^ part).wrapping_mul(0xbf58_476d_1ce4_e5b9);
                state ^= state >> 29;
            }
            let weight = Enclosure::point(f64::from((state >> 40) as u32));
            sum = sum.plus(value.enclosure().times(weight));
        });
        sum.middle()
    };
    (0..form.channels()).map(print).collect()
}

/// The terms that the outputs rest on, in order; all inputs are among them.
fn needed(terms: &Terms) -> Vec<TermId> {
    let all = terms.all();
    let mut wanted = vec![false; all.len()];
    for (id, term) in all.iter().enumerate().rev() {
        wanted[id] |= matches!(term.op.kind, Kind::Input | Kind::Output);
        if wanted[id] {
            for source in term.sources().into_iter().flatten() {
                wanted[source] = true;
            }
        }
    }
    (0..all.len()).filter(|&id| wanted[id]).collect()
}
